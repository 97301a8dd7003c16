"""How large one request may be."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmask.serving.problems import Refusal


def announced_bytes(scope: Scope) -> int:
    """The length that a request claims, 0 where it claims none."""
    said = Headers(scope=scope).get("content-length", "")
    return int(said) if said.isdecimal() and said.isascii() else 0


class BodyLimit:
    """ASGI middleware: 413 for a body larger than MEGABYTES, announced or found so while it comes; holds nothing."""

    def __init__(self, app: ASGIApp, *, megabytes: float) -> None:
        self._app, self._megabytes = app, megabytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, chunk for chunk, until it is too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received = 0
        self._check(announced_bytes(scope))

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            self._check(received)
            return message

        await self._app(scope, receive_limited, send)

    def _check(self, size: int) -> None:
        if size > self._megabytes * 1e6:
            raise Refusal(413, f"request larger than {self._megabytes:g} MB; send less at a time")
