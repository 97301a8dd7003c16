import asyncio
import threading

import pytest
from starlette.requests import Request
from starlette.responses import Response

from unmask.serving.guard.load import LoadLimit
from unmask.serving.guard.memory import Memory, Share, share
from unmask.serving.problems import Refusal


def status_of(hold, size):
    with pytest.raises(Refusal) as caught:
        hold(size)
    return caught.value.status_code


def test_room_is_shared_and_given_back():
    memory = Memory(0.001)
    first, second = Share(memory), Share(memory)
    first.hold(700)
    assert status_of(second.hold, 400) == 503
    second.hold(300)
    first.close()
    second.hold(700)
    second.close()
    assert memory.free == memory.size == 1000


def test_what_never_finds_room_is_not_told_to_try_again():
    own = Share(Memory(0.001))
    own.hold(600)
    assert status_of(own.hold, 600) == 413


def test_a_request_that_was_given_up_takes_nothing():
    memory = Memory(0.001)
    own = Share(memory)
    own.close()
    assert status_of(own.hold, 1) == 503
    assert memory.free == 1000


def test_threads_that_take_at_once_never_take_more_than_there_is():
    memory = Memory(0.001)
    shares = [Share(memory) for _ in range(8)]

    def take(own):
        for _ in range(200):
            try:
                own.hold(7)
            except Refusal:
                return

    threads = [threading.Thread(target=take, args=(own,)) for own in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0 <= memory.free < 7
    for own in shares:
        own.close()
    assert memory.free == 1000


def test_more_uploads_than_allowed_at_a_time_are_sent_away(guarded):
    async def both():
        release, entered = asyncio.Event(), asyncio.Event()

        async def slow(scope, receive, send):
            await Request(scope, receive).body()
            entered.set()
            await release.wait()
            await Response("done")(scope, receive, send)

        app = guarded(LoadLimit, slow, uploads=1, megabytes=1.0)

        async def once(method="POST"):
            told = []

            async def receive():
                return {"type": "http.request", "body": b"x", "more_body": False}

            async def send(message):
                told.append(message)

            await app({"type": "http", "method": method, "path": "/", "headers": []}, receive, send)
            return told[0]["status"], dict(told[0]["headers"])

        first = asyncio.create_task(once())
        await entered.wait()
        refused, health = await once(), asyncio.create_task(once("GET"))
        release.set()
        return refused, (await health)[0], (await first)[0], (await once())[0]

    (status, headers), health, first, later = asyncio.run(both())
    assert (status, headers[b"retry-after"]) == (429, b"1")
    assert (health, first, later) == (200, 200, 200)


def test_bytes_are_counted_while_they_come_and_freed_after_any_end(ask, guarded, echo):
    app = guarded(LoadLimit, echo, uploads=1, megabytes=0.001)
    for _ in range(3):
        assert ask(app, chunks=[b"x" * 600, b"x" * 600, b""]).status == 413
        assert ask(app, chunks=[b"x" * 600], leave=True).status == 0
        assert ask(app, chunks=[b"x" * 600, b"x" * 400]).status == 200


def test_a_route_finds_the_share_of_its_request(ask, guarded):
    async def decoding(scope, receive, send):
        await Request(scope, receive).body()
        share().hold(900)
        await Response("done")(scope, receive, send)

    app = guarded(LoadLimit, decoding, uploads=1, megabytes=0.001)
    assert [ask(app, chunks=[b"x" * size]).status for size in (100, 101, 100)] == [200, 413, 200]
