"""How much a worker takes on at a time."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmask.serving.guard.body import announced_bytes
from unmask.serving.guard.memory import Memory, Share
from unmask.serving.problems import TryAgain


class LoadLimit:
    """ASGI middleware: 429 for more than UPLOADS that are judged at a time, 503 when uploads fill MEGABYTES.

    An upload that still arrives counts by its bytes only, else a few slow senders would keep everybody out. What
    uploads nothing (health, metrics, the page, /model) does not count.
    """

    def __init__(self, app: ASGIApp, *, uploads: int, megabytes: float) -> None:
        self._app, self._free, self._memory = app, uploads, Memory(megabytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it until it is answered."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        self._check()
        own, begun = Share(self._memory), False
        own.check(announced_bytes(scope))

        async def receive_counted() -> Message:
            nonlocal begun
            message = await receive()
            if message["type"] == "http.request":
                own.hold(len(message.get("body", b"")))
                if not begun and not message.get("more_body", False):
                    self._check()
                    begun = True
                    self._free -= 1
            return message

        try:
            await self._app(scope, receive_counted, send)
        finally:
            own.close()
            self._free += begun

    def _check(self) -> None:
        if self._free < 1:
            raise TryAgain(429, "the service is busy with other uploads; try again")
