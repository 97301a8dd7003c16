import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from unmask.serving.guard.failures import Failures
from unmask.serving.request_id import RequestId


@dataclass
class Told:
    """What a client was answered, and how many of its chunks were taken."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    taken: int = 0
    order: list[str] = field(default_factory=list)

    @property
    def json(self):
        return json.loads(self.body)


async def _ask(app, told, *, method, path, headers, chunks, pause, leave):
    given = list(chunks)

    async def receive():
        await asyncio.sleep(pause)
        if not given:
            if leave:
                return {"type": "http.disconnect"}
            await asyncio.Event().wait()
        told.taken += 1
        told.order.append("chunk")
        return {"type": "http.request", "body": given.pop(0), "more_body": bool(given) or leave}

    async def send(message):
        if message["type"] == "http.response.start":
            told.status = message["status"]
            told.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            told.body += message.get("body", b"")
            told.order.append("answered" if message.get("body") else "ended")

    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw, "query_string": b"", "state": {}}
    await app(scope, receive, send)


@pytest.fixture(scope="session")
def ask() -> Callable[..., Told]:
    """A function that sends one request to an ASGI application: chunks of a body, slowly, or leaving after them."""

    def run(
        app,
        *,
        method: str = "POST",
        path: str = "/",
        headers: Mapping[str, str] = {},
        chunks: Sequence[bytes] = (b"",),
        pause: float = 0.0,
        leave: bool = False,
    ) -> Told:
        told = Told()
        details = {"method": method, "path": path, "headers": headers, "chunks": chunks}
        asyncio.run(_ask(app, told, **details, pause=pause, leave=leave))
        return told

    return run


@pytest.fixture(scope="session")
def guarded():
    """A function that puts a middleware before an application, behind what names requests and answers refusals."""

    def put(middleware, app, **options):
        return RequestId(Failures(middleware(app, **options)))

    return put


@pytest.fixture(scope="session")
def echo():
    """An application that reads a request and says how large it was."""

    async def app(scope, receive, send):
        size = 0
        async for chunk in Request(scope, receive).stream():
            size += len(chunk)
        await JSONResponse({"bytes": size})(scope, receive, send)

    return app
