"""No request ends without an answer in the one shape, and no answer tells what the program looks like inside."""

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmask.errors import ResourceError
from unmask.serving.logs import EVENT, service_log
from unmask.serving.problems import Refusal, TryAgain, problem, problem_of

FAILED = "the service failed at this request, which says nothing about what you sent; its log knows the request id"
SHORT_OF_MEMORY = "the service is short of memory; try again, or send fewer or smaller pictures"

LOG = service_log()


class Failures:
    """ASGI middleware: answers what is raised behind it. What nobody foresaw is logged with the request id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and answer it where that fails."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as error:
            if started:  # half an answer can only be broken off, which the server does when this goes on
                raise
            answer = _answer(error, scope["state"]["request_id"])
        else:
            return
        await answer(scope, receive, send)


def _answer(error: Exception, request_id: str) -> Response:
    if isinstance(error, ClientDisconnect):
        # Nobody reads it, but servers take a request without an answer for one that still runs.
        return problem(400, "the upload broke off", request_id)
    if isinstance(error, Refusal):
        return problem_of(error, request_id)
    if isinstance(error, ResourceError | MemoryError):
        LOG.error("memory ran out", extra={EVENT: {"request_id": request_id}})
        return problem_of(TryAgain(503, SHORT_OF_MEMORY), request_id)
    LOG.error("failed", extra={EVENT: {"request_id": request_id}}, exc_info=error)
    return problem(500, FAILED, request_id)
