import logging

import pytest
from starlette.requests import Request
from starlette.responses import Response

from unmask.errors import ResourceError
from unmask.serving.guard.failures import FAILED, Failures
from unmask.serving.logs import JsonFormatter, service_log
from unmask.serving.problems import Refusal, TryAgain
from unmask.serving.request_id import RequestId


class Kept(logging.Handler):
    """Takes what the service logs, as lines."""

    def __init__(self):
        super().__init__()
        self.text = ""

    def emit(self, record):
        self.text += JsonFormatter().format(record) + "\n"


@pytest.fixture
def log():
    kept = Kept()
    service_log().addHandler(kept)
    yield kept
    service_log().removeHandler(kept)


def failing(error):
    async def app(scope, receive, send):
        raise error

    return RequestId(Failures(app))


def test_what_nobody_foresaw_is_neutral_outside_and_whole_in_the_log(ask, log):
    told = ask(failing(KeyError("/srv/secret/model.onnx")))
    assert (told.status, told.json) == (500, {"error": FAILED, "request_id": told.headers["x-request-id"]})
    assert told.headers["x-request-id"] in log.text
    assert "/srv/secret/model.onnx" in log.text
    assert "Traceback" in log.text


@pytest.mark.parametrize("error", [ResourceError("memory ran out"), MemoryError()])
def test_a_lack_of_memory_is_no_fault_of_the_sender(ask, error):
    told = ask(failing(error))
    assert (told.status, told.headers["retry-after"]) == (503, "1")


def test_a_refusal_is_answered_with_its_headers(ask):
    told = ask(failing(TryAgain(429, "busy", seconds=3)))
    assert (told.status, told.json["error"], told.headers["retry-after"]) == (429, "busy", "3")
    assert ask(failing(Refusal(415, "no"))).json["error"] == "no"


def test_a_client_who_left_is_no_error(ask, log):
    async def reading(scope, receive, send):
        await Request(scope, receive).body()

    assert ask(RequestId(Failures(reading)), chunks=[b"x"], leave=True).status == 0
    assert not log.text


def test_half_an_answer_is_broken_off(ask):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise KeyError

    with pytest.raises(KeyError):
        ask(RequestId(Failures(app)))


def test_an_answer_passes(ask):
    async def app(scope, receive, send):
        await Response("fine")(scope, receive, send)

    assert ask(RequestId(Failures(app))).body == b"fine"
