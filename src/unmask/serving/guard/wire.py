"""The head of a request, which is read before there is an application to guard anything."""

import asyncio

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 65_536
SECONDS = 15.0
TOO_LARGE = b"431 Request Header Fields Too Large"
TOO_SLOW = b"408 Request Timeout"


class GuardedProtocol(HttpToolsProtocol):
    """Uvicorn's HTTP protocol with the bounds that it lacks: `HEAD_BYTES` and `SECONDS` for the head of a request.

    Without them one connection fills the memory with headers, or many wait for a head that never ends.
    """

    _head = 0
    _late: asyncio.TimerHandle | None = None  # there while a head is awaited

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Await the first head."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Count what came and did not end the head."""
        super().data_received(data)
        if self._late:
            self._head += len(data)
            if self._head > HEAD_BYTES:
                self._refuse(TOO_LARGE)

    def on_message_begin(self) -> None:
        """Await the head of a further request on this connection."""
        super().on_message_begin()
        if not self._late:
            self._await_head()

    def on_headers_complete(self) -> None:
        """Leave the rest to the middlewares."""
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Await nothing more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head = 0
        self._late = self.loop.call_later(SECONDS, self._refuse, TOO_SLOW)

    def _stop_waiting(self) -> None:
        if self._late:
            self._late.cancel()
            self._late = None

    def _refuse(self, status: bytes) -> None:
        self._stop_waiting()
        self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        self.transport.close()


def use_guarded_protocol() -> None:
    """Let a server that is made later in this process speak `GuardedProtocol`; BentoML leaves no other way in."""
    HTTP_PROTOCOLS["auto"] = f"{GuardedProtocol.__module__}:{GuardedProtocol.__name__}"
