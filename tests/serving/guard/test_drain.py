import pytest
from starlette.responses import Response

from unmask.serving.guard import drain
from unmask.serving.guard.drain import Drain

CHUNKED = {"transfer-encoding": "chunked"}
LARGE = {"content-length": "2000000"}


async def refuses(scope, receive, send):
    await Response("no", 413)(scope, receive, send)


@pytest.mark.parametrize("headers", [CHUNKED, LARGE])
def test_the_answer_goes_out_before_the_rest_is_thrown_away(ask, headers):
    told = ask(Drain(refuses), headers=headers, chunks=[b"x"] * 3)
    assert told.order == ["answered", "chunk", "chunk", "chunk", "ended"]
    assert (told.status, told.body, told.headers["connection"]) == (413, b"no", "close")


def test_nobody_sends_for_ever(ask, monkeypatch):
    monkeypatch.setattr(drain, "SECONDS", 0.05)
    told = ask(Drain(refuses), headers=CHUNKED, chunks=[b"x"] * 1000, pause=0.01)
    assert told.order[-1] == "ended"
    assert told.taken < 20


def test_a_sender_who_leaves_ends_it(ask):
    assert ask(Drain(refuses), headers=CHUNKED, chunks=[b"x"], leave=True).order[-1] == "ended"


def test_an_upload_that_was_read_keeps_its_connection(ask, echo):
    told = ask(Drain(echo), headers=LARGE, chunks=[b"x", b"y"])
    assert told.json == {"bytes": 2}
    assert "connection" not in told.headers


def test_a_small_body_is_left_to_the_server(ask):
    told = ask(Drain(refuses), headers={"content-length": "5"}, chunks=[b"x"] * 5)
    assert (told.taken, "connection" in told.headers) == (0, False)
