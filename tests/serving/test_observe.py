import json
import logging

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from unmask.serving import metrics
from unmask.serving.guard.failures import FAILED, Failures
from unmask.serving.logs import JsonFormatter
from unmask.serving.observe import Observe
from unmask.serving.observer import PREDICTED
from unmask.serving.request_id import RequestId

SECRET = "the secret"  # noqa: S105


async def predict(request: Request) -> JSONResponse:
    body = await request.body()
    predicted = PREDICTED.get()
    predicted.model, predicted.pictures = "a" * 12, 2
    predicted.verdicts["fake"] += 1
    predicted.refused += 1
    return JSONResponse({"bytes": len(body)})


async def fail(request: Request) -> PlainTextResponse:
    raise RuntimeError("in /srv/secret.py\n" + '{"level": "info"}')


async def fail_late(request: Request) -> StreamingResponse:
    async def parts():
        yield b"begun"
        raise RuntimeError("late")

    return StreamingResponse(parts())


async def leave(request: Request) -> PlainTextResponse:
    raise ClientDisconnect


ROUTES = {"/predict": predict, "/fail": fail, "/fail-late": fail_late, "/leave": leave}


@pytest.fixture(scope="module")
def client():
    app = Starlette(routes=[Route(path, answer, methods=["GET", "POST"]) for path, answer in ROUTES.items()])
    app.add_middleware(Failures)
    app.add_middleware(Observe, routes=frozenset(ROUTES))
    app.add_middleware(RequestId)
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def lines():
    """The lines that the service logs, read back."""
    lines = []

    class Keep(logging.Handler):
        def emit(self, record):
            text = JsonFormatter().format(record)
            assert text.isascii()
            assert text.isprintable()
            lines.append(json.loads(text))

    logger, handler = logging.getLogger("unmask.service"), Keep()
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


def counted(route, status):
    return metrics.REQUESTS.labels(route, status)._value.get()


def test_a_request_is_one_line(client, lines):
    answer = client.post("/predict?token=abc", content=b"x" * 1000, headers={"authorization": SECRET, "cookie": SECRET})
    [line] = lines
    assert line.pop("time").endswith("+00:00")
    assert 0 <= line.pop("ms") < 10_000
    assert line == {
        "level": "info",
        "event": "request",
        "request_id": answer.headers["x-request-id"],
        "method": "POST",
        "route": "/predict",
        "status": 200,
        "bytes": 1000,
        "model": "a" * 12,
        "pictures": 2,
        "refused": 1,
        "verdicts": {"fake": 1},
    }


def test_what_one_request_predicted_is_not_told_of_the_next(client, lines):
    client.post("/predict")
    client.get("/nothing")
    assert "pictures" in lines[0]
    assert "pictures" not in lines[1]


@pytest.mark.parametrize(
    "path", ["/nothing", "/predict/x", "/a%0a%7b%22level%22", "/%1b[2J", "/\N{SNOWMAN}", "//", "/x" * 900]
)
def test_a_strange_path_is_told_as_other(client, lines, path):
    before = counted("other", 404)
    assert client.get(path).status_code == 404
    assert (lines[0]["route"], lines[0]["status"]) == ("other", 404)
    assert counted("other", 404) == before + 1


def test_a_strange_method_is_told_as_other(client, lines):
    client.request("FORGE", "/predict")
    assert (lines[0]["method"], lines[0]["status"]) == ("other", 405)


def test_an_unforeseen_error_is_answered_without_what_it_says_and_logged_with_it(client, lines):
    before = counted("/fail", 500)
    answer = client.get("/fail")
    assert answer.status_code == 500
    assert answer.json() == {"error": FAILED, "request_id": answer.headers["x-request-id"]}
    failed, request = lines
    assert (failed["level"], failed["event"], request["status"]) == ("error", "failed", 500)
    assert failed["request_id"] == request["request_id"] == answer.headers["x-request-id"]
    assert "RuntimeError: in /srv/secret.py\n" in failed["traceback"]
    assert counted("/fail", 500) == before + 1


def test_an_error_after_the_answer_began_is_logged(client, lines):
    client.get("/fail-late")
    assert [(line["event"], line["status"]) for line in lines] == [("failed", 500)]


def test_a_sender_who_leaves_is_no_error(client, lines):
    before = counted("/leave", 499)
    client.get("/leave")
    assert [(line["level"], line["status"]) for line in lines] == [("info", 499)]
    assert "traceback" not in lines[0]
    assert counted("/leave", 499) == before + 1


def test_latency_and_bytes_are_counted(client):
    def now():
        latency = metrics.LATENCY.labels("/predict")
        return latency._sum.get(), metrics.BYTES_IN.labels("/predict")._value.get()

    seconds, received = now()
    client.post("/predict", content=b"x" * 77)
    assert now()[0] > seconds
    assert now()[1] == received + 77
