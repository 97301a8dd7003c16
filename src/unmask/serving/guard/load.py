"""How much a worker takes on at a time."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmask.serving.guard.body import announced_bytes
from unmask.serving.problems import Refusal, TryAgain


class LoadLimit:
    """ASGI middleware: 429 for more than UPLOADS that are judged at a time, 503 where they fill MEGABYTES.

    An upload that still arrives counts by its bytes only, else a few slow senders would keep everybody out. What
    uploads nothing (health, metrics, the page, /model) does not count.
    """

    def __init__(self, app: ASGIApp, *, uploads: int, megabytes: float) -> None:
        self._app, self._uploads, self._bytes = app, uploads, int(megabytes * 1e6)
        self._size = self._bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it until it is answered."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        self._check_uploads()
        self._check_bytes(announced_bytes(scope))
        held, begun = 0, False

        async def receive_counted() -> Message:
            nonlocal held, begun
            message = await receive()
            if message["type"] == "http.request":
                size = len(message.get("body", b""))
                self._check_bytes(size, held)
                self._bytes, held = self._bytes - size, held + size
                if not begun and not message.get("more_body", False):
                    self._check_uploads()
                    self._uploads, begun = self._uploads - 1, True
            return message

        try:
            await self._app(scope, receive_counted, send)
        finally:
            self._bytes += held
            self._uploads += begun

    def _check_uploads(self) -> None:
        if self._uploads < 1:
            raise TryAgain(429, "the service is busy with other uploads; try again")

    def _check_bytes(self, size: int, held: int = 0) -> None:
        if held + size > self._size:
            raise Refusal(413, f"more than the {self._size / 1e6:g} MB that the service holds; send less at a time")
        if size > self._bytes:
            raise TryAgain(503, "the service holds as many uploads as it may; try again")
