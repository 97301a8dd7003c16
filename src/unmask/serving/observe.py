"""One line of log and a few counters for every request, whatever answers it."""

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmask.serving import metrics
from unmask.serving.logs import EVENT, service_log
from unmask.serving.observer import PREDICTED, Predicted

LOG = service_log()

OTHER = "other"  # the route of what no route answers: a path may be anything
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
LEFT = 499  # the status of a request whose sender was gone before there was an answer


class Observe:
    """ASGI middleware, inside `RequestId`: logs and counts.

    ROUTES are the paths the service has; a request refused before it is routed counts for the one it asked for.
    """

    def __init__(self, app: ASGIApp, *, routes: frozenset[str]) -> None:
        self._app, self._routes = app, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and take note of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, self._route)
        token = PREDICTED.set(exchange.predicted)

        async def counted() -> Message:
            message = await receive()
            exchange.received += len(message.get("body", b""))
            return message

        async def watched(message: Message) -> None:
            exchange.status = message.get("status", exchange.status)
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except Exception:
            LOG.exception("failed", extra=exchange.end(500))
            raise
        else:
            LOG.info("request", extra=exchange.end(exchange.status or LEFT))
        finally:
            PREDICTED.reset(token)

    def _route(self, scope: Scope) -> str:
        path, matched = str(scope["path"]), str(getattr(scope.get("route"), "path", ""))
        if path in self._routes:
            return path
        catches_all = matched.startswith("/{")
        return matched if matched in self._routes and not catches_all else OTHER


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, route_of: Callable[[Scope], str]) -> None:
        self.predicted = Predicted()
        self.received = self.status = 0
        self._scope, self._route_of, self._start = scope, route_of, time.perf_counter()

    def end(self, status: int) -> dict[str, dict[str, object]]:
        """Count the request, and give what its line of log says besides."""
        seconds, route, predicted = time.perf_counter() - self._start, self._route_of(self._scope), self.predicted
        metrics.REQUESTS.labels(route, status).inc()
        metrics.LATENCY.labels(route).observe(seconds)
        metrics.BYTES_IN.labels(route).inc(self.received)
        line: dict[str, object] = {
            "request_id": self._scope["state"]["request_id"],
            "method": self._scope["method"] if self._scope["method"] in METHODS else OTHER,
            "route": route,
            "status": status,
            "ms": round(1000 * seconds, 1),
            "bytes": self.received,
        }
        if predicted.pictures:
            line |= {"model": predicted.model, "pictures": predicted.pictures, "refused": predicted.refused}
            line["verdicts"] = predicted.verdicts
        return {EVENT: line}
