import asyncio

import pytest
import uvicorn
from starlette.responses import Response

from unmask.serving.guard import wire
from unmask.serving.guard.wire import use_guarded_protocol


async def fine(scope, receive, send):
    await Response("fine")(scope, receive, send)


async def exchange(*chunks):
    """What a server answers to these bytes before it closes the connection."""
    use_guarded_protocol()
    server = uvicorn.Server(uvicorn.Config(fine, port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  (it tells nobody when it has)
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
    for chunk in chunks:
        writer.write(chunk)
    answer = await reader.read()
    writer.close()
    server.should_exit = True
    await serving
    return answer


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(wire, "HEAD_BYTES", 2000)
    monkeypatch.setattr(wire, "SECONDS", 0.3)


@pytest.mark.parametrize(
    "chunks",
    [
        [b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 500],
        [b"GET / HTTP/1.1\r\nX: ", b"y" * 3000],
        [b"GET /", b"y" * 3000],
    ],
    ids=["many headers", "one long header", "long path"],
)
def test_an_endless_head_is_refused(chunks):
    assert asyncio.run(exchange(*chunks)).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "chunks", [[], [b"GET / HTT"], [b"GET / HTTP/1.1\r\n\r\nGET / HT"]], ids=["none", "cut", "second"]
)
def test_a_head_that_does_not_end_is_waited_for_a_while(chunks):
    assert b"HTTP/1.1 408 " in asyncio.run(exchange(*chunks))


def test_requests_pass_one_after_the_other():
    told = asyncio.run(exchange(b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n"))
    assert told.count(b"fine") == 2


def test_a_body_is_no_head():
    sent = b"POST / HTTP/1.1\r\nconnection: close\r\ncontent-length: 9000\r\n\r\n" + b"x" * 9000
    assert b"fine" in asyncio.run(exchange(sent))
