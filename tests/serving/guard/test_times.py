import asyncio

import pytest
from starlette.responses import Response

from unmask.serving.guard import times
from unmask.serving.guard.times import TimeLimit


def test_an_upload_that_stops_is_answered_with_408(ask, guarded, echo):
    told = ask(guarded(TimeLimit, echo, seconds=0.05), chunks=[b"x", b"y"], pause=0.2)
    assert told.status == 408
    assert told.json["error"].startswith("the upload came too slowly")


def test_an_upload_in_drops_is_answered_with_408(ask, guarded, echo):
    told = ask(guarded(TimeLimit, echo, seconds=0.1), chunks=[b"x"] * 1000, pause=0.01)
    assert told.status == 408
    assert told.taken < 20


def test_a_large_upload_may_take_longer(ask, guarded, echo, monkeypatch):
    monkeypatch.setattr(times, "SLOWEST", 10)
    assert ask(guarded(TimeLimit, echo, seconds=0.1), chunks=[b"xx"] * 5, pause=0.03).status == 200


def test_no_upload_may_take_more_than_twice_as_long(ask, guarded, echo):
    assert ask(guarded(TimeLimit, echo, seconds=0.1), chunks=[b"x" * 100_000] * 50, pause=0.02).status == 408


def test_an_answer_that_takes_too_long_is_504_and_its_work_is_cancelled(ask, guarded):
    ended = []

    async def slow(scope, receive, send):
        await receive()
        try:
            await asyncio.sleep(10)
        finally:
            ended.append(True)

    told = ask(guarded(TimeLimit, slow, seconds=0.05))
    assert (told.status, told.headers["retry-after"], ended) == (504, "1", [True])


def test_an_answer_that_nobody_fetches_is_broken_off(ask, guarded):
    async def endless(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(10)

    with pytest.raises(TimeoutError):
        ask(guarded(TimeLimit, endless, seconds=0.05))


def test_a_timeout_of_the_application_is_not_taken_for_its_own(ask, guarded):
    async def broken(scope, receive, send):
        raise TimeoutError

    assert ask(guarded(TimeLimit, broken, seconds=5)).status == 500


def test_in_time_nothing_changes(ask, guarded):
    async def app(scope, receive, send):
        await Response("fine")(scope, receive, send)

    assert ask(guarded(TimeLimit, app, seconds=5)).body == b"fine"
