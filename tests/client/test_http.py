import json
import subprocess
import sys

import httpx
import pytest

from unmask.client import Client, ServiceError
from unmask.client import http as module

ID = "9f2c4e7a5b8d4c0f8a6b1d2e3f405162-0"


SOURCE = {"model_version": "v", "data_hash": "d", "request_id": "r", "thresholds": {}}


def judged(number):
    said = {"probability": 0.5, "verdict": "uncertain", "sentence": "", "attributes": {}, "newer": 1}
    return {"id": f"{number}", "judgement": said, "faces": None, "error": None}


class Script:
    """A service that answers as it is told, and keeps what it was sent."""

    def __init__(self, *answers):
        self.answers, self.sent = list(answers), []

    def __call__(self, request):
        self.sent.append(request)
        status, body, headers = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return httpx.Response(status, json=body, headers=headers) if not callable(body) else body(request)

    def client(self, **options):
        return Client("http://service/prefix", transport=httpx.MockTransport(self), **options)


def parts(request):
    return request.content.count(b'; name="images"')


def answer_all(request):
    return httpx.Response(200, json=SOURCE | {"answers": [judged(number) for number in range(parts(request))]})


@pytest.fixture
def waited(monkeypatch):
    waits = []
    monkeypatch.setattr(module.time, "sleep", waits.append)
    return waits


@pytest.mark.parametrize(("options", "sizes"), [({"pictures": 3}, [3, 3, 1]), ({"megabytes": 0.0025}, [2, 2, 2, 1])])
def test_many_go_into_requests_of_a_size(options, sizes):
    service = Script((200, answer_all, None))
    with service.client(**options) as client:
        assert len(list(client.predict_many([bytes(1000)] * 7))) == 7
    assert [parts(request) for request in service.sent] == sizes


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    service = Script((200, answer_all, None))
    (tmp_path / "a.png").write_bytes(b"x")
    with service.client(pictures=1) as client:
        found = client.predict_many([tmp_path / "a.png", tmp_path / "missing.png"])
        next(found)
        with pytest.raises(FileNotFoundError):
            next(found)


@pytest.mark.parametrize("status", [413, 422])
def test_a_batch_that_is_too_much_goes_one_by_one(status):
    service = Script((status, {"error": "too much", "request_id": "r"}, None), (200, answer_all, None))
    with service.client() as client:
        assert [each.error for each in client.predict_many([b"a", b"b"])] == [None, None]
    assert [parts(request) for request in service.sent] == [2, 1, 1]


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again_when_it_says(waited, status):
    busy = {"error": "busy", "request_id": "r"}
    service = Script(
        (status, busy, {"Retry-After": "7"}),
        (status, busy, {"Retry-After": "9999"}),
        (status, busy, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
        (200, answer_all, None),
    )
    with service.client() as client:
        assert client.predict(b"x").judgement.verdict == "uncertain"
    assert waited == [7.0, 30.0, 1.0]


def test_a_service_that_stays_busy_is_given_up(waited):
    service = Script((429, {"error": "busy", "request_id": "r"}, {"Retry-After": "2"}))
    with service.client() as client, pytest.raises(ServiceError, match="busy") as caught:
        client.predict(b"x")
    assert (caught.value.status, caught.value.reason, caught.value.request_id) == (429, "busy", "r")
    assert len(service.sent) == module.TRIES
    assert waited == [2.0] * (module.TRIES - 1)


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_other_refusals_are_not_tried_again(waited, status):
    service = Script((status, {"error": "no", "request_id": "r"}, None))
    with service.client() as client, pytest.raises(ServiceError, match="no"):
        client.predict(b"x")
    assert len(service.sent) == 1
    assert not waited


def test_a_service_that_fails_ends_a_batch():
    with Script((500, {"error": "no", "request_id": "r"}, None)).client() as client, pytest.raises(ServiceError):
        list(client.predict_many([b"a", b"b"]))


@pytest.mark.parametrize("body", [[1], "x", None, {"answers": 3}, SOURCE | {"answers": [{"id": 3}]}])
def test_an_answer_that_is_none_is_an_error(body):
    with Script((200, body, None)).client() as client, pytest.raises(ServiceError, match="not understood"):
        client.predict(b"x")


def test_a_refusal_without_a_reason_still_has_a_status():
    with Script((502, ["proxy"], None)).client() as client, pytest.raises(ServiceError) as caught:
        client.predict(b"x")
    assert caught.value.status == 502


def test_no_service_is_an_error_that_names_it():
    with Client("http://127.0.0.1:9") as client, pytest.raises(ServiceError, match=r"127\.0\.0\.1:9") as caught:
        client.model()
    assert caught.value.status == 0


def test_the_token_and_the_path_prefix_are_sent():
    service = Script((200, answer_all, None))
    with service.client(token="secret") as client:  # noqa: S106
        client.predict(b"x")
    assert service.sent[0].headers["authorization"] == "Bearer secret"
    assert str(service.sent[0].url) == "http://service/prefix/predict"


def test_it_needs_neither_torch_nor_the_services_packages():
    code = "import sys, json, unmask.client; print(json.dumps(sorted(name.split('.')[0] for name in sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "bentoml", "fastapi", "numpy", "PIL", "pandas"} & set(json.loads(done.stdout))
