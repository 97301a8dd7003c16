"""What of BentoML's own server is left: health, guarded like everything else."""

from starlette.types import ASGIApp, Receive, Scope, Send

from unmask.serving.guard.failures import Failures
from unmask.serving.guard.headers import SecurityHeaders
from unmask.serving.request_id import RequestId

BENTOML = {"/livez", "/healthz", "/readyz"}


class Front:
    """ASGI middleware of the BentoML service: `BENTOML` is answered by it and everything else by API.

    BentoML would answer more (an index that loads scripts of other sites, two schemas), and route what is ours twice.
    """

    def __init__(self, app: ASGIApp, *, api: ASGIApp) -> None:
        self._bentoml, self._api = app, api
        self._guarded = RequestId(SecurityHeaders(Failures(app)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the one it concerns."""
        if scope["type"] == "http":
            await (self._guarded if scope["path"] in BENTOML else self._api)(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._api(scope, receive, send)
        else:
            await self._bentoml(scope, receive, send)
