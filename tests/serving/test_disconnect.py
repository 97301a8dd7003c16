import asyncio

import pytest
from fastapi import Request
from starlette.requests import ClientDisconnect

from unmask.serving.disconnect import while_connected


def request_of(receive):
    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


def test_nobody_works_for_a_client_that_left():
    stopped = []

    async def receive():
        return {"type": "http.disconnect"}

    async def work():
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            stopped.append(True)
            raise

    async def play():
        with pytest.raises(ClientDisconnect):
            await while_connected(request_of(receive), work())
        await asyncio.sleep(0)

    asyncio.run(play())
    assert stopped == [True]


def test_who_stays_gets_the_result_or_the_error():
    async def receive():
        await asyncio.sleep(5)

    async def fail():
        raise ValueError("of the work")

    assert asyncio.run(while_connected(request_of(receive), asyncio.sleep(0, "done"))) == "done"
    with pytest.raises(ValueError, match="of the work"):
        asyncio.run(while_connected(request_of(receive), fail()))
