"""How long a request may take to arrive and to be answered."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmask.serving.problems import Refusal, TryAgain

SLOWEST = 100_000  # bytes a second, on average; a telephone on a poor line sends more


class TimeLimit:
    """ASGI middleware: 408 for an upload that comes too slowly, 504 for an answer that is not begun in SECONDS.

    An upload has SECONDS, and one more for each `SLOWEST` bytes that came, up to twice SECONDS: a large clip may take
    its time, and somebody who sends a byte now and then may not. An answer that nobody fetches is broken off as late.
    """

    def __init__(self, app: ASGIApp, *, seconds: float) -> None:
        self._app, self._seconds = app, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and give it up when its time is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + self._seconds
        latest = due + self._seconds
        whole = waits = started = False

        async def receive_in_time() -> Message:
            nonlocal due, whole, waits
            waits = not whole
            message = await receive()
            waits = False
            if message["type"] == "http.request" and not whole:
                whole = not message.get("more_body", False)
                due += len(message.get("body", b"")) / SLOWEST
                clock.reschedule(loop.time() + self._seconds if whole else min(due, latest))
            return message

        async def send_in_time(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                clock.reschedule(loop.time() + self._seconds)
            await send(message)

        try:
            async with asyncio.timeout_at(due) as clock:
                await self._app(scope, receive_in_time, send_in_time)
        except TimeoutError:
            if started or not clock.expired():
                raise
            if waits:
                raise Refusal(408, "the upload came too slowly; try again on a faster line") from None
            raise TryAgain(504, "no answer in time; try again, or send less at a time") from None
