"""What a refused sender still sends is thrown away for a while, so that he is there to read why."""

import asyncio
from contextlib import suppress

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmask.serving.guard.body import announced_bytes

SECONDS = 5.0
SMALL = 1_000_000  # bytes; the server throws away the rest of a smaller body by itself and keeps the connection


class Drain:
    """ASGI middleware: an answer to an upload that was not read goes out at once, and the connection ends after it.

    The client may read the answer while it still sends, or when it has sent all; after `SECONDS` it is cut off, so
    that nobody sends for ever to a service that does not listen.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or not _is_large(scope):
            await self._app(scope, receive, send)
            return
        unread = True

        async def receive_noted() -> Message:
            nonlocal unread
            message = await receive()
            unread = message["type"] == "http.request" and message.get("more_body", False)
            return message

        async def send_early(message: Message) -> None:
            if not unread:
                await send(message)
            elif message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Connection"] = "close"
                await send(message)
            elif message.get("more_body", False):
                await send(message)
            else:
                await send({**message, "more_body": True})
                with suppress(TimeoutError):
                    async with asyncio.timeout(SECONDS):
                        while unread:
                            await receive_noted()
                await send({"type": "http.response.body"})

        await self._app(scope, receive_noted, send_early)


def _is_large(scope: Scope) -> bool:
    chunked = any(name == b"transfer-encoding" for name, _ in scope["headers"])
    return chunked or announced_bytes(scope) > SMALL
