import asyncio

from starlette.requests import Request
from starlette.responses import Response

from unmask.serving.guard.load import LoadLimit


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
        assert ask(app, chunks=[b"x" * 600], leave=True).status == 400
        assert ask(app, chunks=[b"x" * 600, b"x" * 400]).status == 200


def test_what_never_finds_room_is_not_told_to_try_again(ask, guarded, echo):
    app = guarded(LoadLimit, echo, uploads=1, megabytes=0.001)
    told = ask(app, headers={"content-length": "1001"})
    assert (told.status, told.taken, "retry-after" in told.headers) == (413, 0, False)


def test_uploads_share_the_room(guarded, echo):
    async def run():
        app, gate = guarded(LoadLimit, echo, uploads=9, megabytes=0.001), asyncio.Event()

        async def once(*chunks):
            given, told = list(chunks), []

            async def receive():
                if len(given) == 1:
                    await gate.wait()
                return {"type": "http.request", "body": given.pop(0), "more_body": bool(given)}

            async def send(message):
                told.append(message)

            await app({"type": "http", "method": "POST", "path": "/", "headers": []}, receive, send)
            return told[0]["status"]

        first = asyncio.create_task(once(b"x" * 700, b""))
        await asyncio.sleep(0)
        second = await once(b"x" * 400, b"")
        gate.set()
        return second, await first, await once(b"x" * 700, b"x" * 300)

    assert asyncio.run(run()) == (503, 200, 200)
