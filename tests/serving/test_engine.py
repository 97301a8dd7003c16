import asyncio
import dataclasses
import threading

import pytest

from tests.serving.drawn import encode, grey
from unmask.errors import DataError, ResourceError
from unmask.serving import engine as module
from unmask.serving import metrics
from unmask.serving.build import describe
from unmask.serving.bundle import load_bundle
from unmask.serving.engine import Engine
from unmask.serving.reading import Reader


@pytest.fixture
def engine(serving, shared_bundle):
    made = Engine(dataclasses.replace(serving, threads=2), shared_bundle)
    yield made
    made.close()


@pytest.fixture
def all_large(monkeypatch):
    """Every picture counts as a large one."""
    monkeypatch.setattr(module, "LARGE", 0)


def judge(engine, *pictures):
    return asyncio.run(engine.judge(engine.models.current, pictures))


def test_it_says_what_the_runtime_says_in_order(engine):
    pictures = [grey(level, (40 + level, 60)) for level in range(0, 250, 5)]
    said = judge(engine, *map(encode, pictures))
    assert [outcome.answer.p_fake for outcome in said] == pytest.approx(
        [answer.p_fake for answer in engine.models.current.predict(pictures)], abs=1e-6
    )
    assert {outcome.faces for outcome in said} == {None}


@pytest.mark.parametrize("size", ["small", "large"])
def test_a_picture_that_cannot_be_judged_spoils_no_other(engine, size, request):
    if size == "large":
        request.getfixturevalue("all_large")
    cut = encode(grey(9, (900, 900)))[:-900]
    said = judge(engine, encode(grey(255)), b"junk", encode(grey(0)), encode(grey(9, (23, 90))), cut)
    assert [outcome.answer and outcome.answer.verdict for outcome in said] == ["fake", None, "real", None, None]
    assert [outcome.error.split(":")[0] for outcome in said[1::2]] == [
        "not a JPEG, PNG, WebP, BMP or TIFF picture",
        "shorter side under 24 px (23 x 90)",
    ]
    assert said[4].error.startswith("damaged picture")


def test_what_was_read_is_told(engine):
    body = encode(grey(99, (200, 100)), "JPEG", quality=80)
    (said,) = judge(engine, body)
    assert (said.read.size, said.read.jpeg_quality, said.read.encoded_bytes) == ((200, 100), 80, len(body))
    assert said.read.views[0].reduced.size == (64, 32)


def test_decoded_pictures_are_judged_alike(engine):
    pictures = [grey(level) for level in (0, 128, 255)]
    said = asyncio.run(engine.judge(engine.models.current, pictures))
    assert [outcome.answer.verdict for outcome in said] == ["real", "uncertain", "fake"]


def test_large_pictures_are_answered_as_small_ones(engine, monkeypatch):
    bodies = [encode(grey(level)) for level in range(0, 250, 50)]
    small = [outcome.answer.p_fake for outcome in judge(engine, *bodies)]
    monkeypatch.setattr(module, "LARGE", 0)
    assert [outcome.answer.p_fake for outcome in judge(engine, *bodies)] == small


def test_large_pictures_are_decoded_within_their_budget(serving, shared_bundle, monkeypatch, all_large):
    limits = dataclasses.replace(serving.limits, decoding_megapixels=3 * 50 * 50 / 1e6)
    engine = Engine(dataclasses.replace(serving, threads=16, limits=limits), shared_bundle)
    at_work, most, lock, decode = 0, 0, threading.Lock(), Reader.decode

    def watched(self, runtime, data):
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        try:
            threading.Event().wait(0.01)
            return decode(self, runtime, data)
        finally:
            with lock:
                at_work -= 1

    monkeypatch.setattr(Reader, "decode", watched)
    said = judge(engine, *[encode(grey(255, (50, 50)))] * 12)
    engine.close()
    assert {outcome.answer.verdict for outcome in said} == {"fake"}
    assert most == 3


def test_small_pictures_overtake_large_ones(engine, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 10_000)
    go_on, decode = threading.Event(), Reader.decode

    def slow(self, runtime, data):
        assert len(data) < len(large) or go_on.wait(5)
        return decode(self, runtime, data)

    large, small = encode(grey(0, (200, 200)), "BMP"), encode(grey(255))
    monkeypatch.setattr(Reader, "decode", slow)

    async def play():
        runtime = engine.models.current
        waiting = asyncio.ensure_future(engine.judge(runtime, [large] * 5))
        await asyncio.sleep(0.01)
        (overtaking,) = await asyncio.wait_for(engine.judge(runtime, [small]), 5)
        assert not waiting.done()
        go_on.set()
        return overtaking.answer.verdict, {outcome.answer.verdict for outcome in await waiting}

    assert asyncio.run(play()) == ("fake", {"real"})


@pytest.mark.parametrize(("error", "raised"), [(MemoryError(), ResourceError), (KeyError("tag"), KeyError)])
def test_what_nobody_foresaw_fails_no_other_senders_picture(serving, shared_bundle, monkeypatch, error, raised):
    engine = Engine(dataclasses.replace(serving, threads=1, batch=8), shared_bundle)
    bad, go_on, decode = encode(grey(9)), threading.Event(), Reader.decode

    def failing(self, runtime, data):
        if data == bad:
            raise error
        return decode(self, runtime, data)

    async def play():
        runtime = engine.models.current
        engine.pool.submit(go_on.wait, 5)
        asked = [asyncio.ensure_future(engine.judge(runtime, [data])) for data in (encode(grey(255)), bad)]
        asked.append(asyncio.ensure_future(engine.judge(runtime, [encode(grey(0))])))
        await asyncio.sleep(0)
        go_on.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    monkeypatch.setattr(Reader, "decode", failing)
    (first,), failed, (last,) = asyncio.run(play())
    engine.close()
    assert (first.answer.verdict, last.answer.verdict) == ("fake", "real")
    assert isinstance(failed, raised)


def test_where_a_large_picture_fails_nothing_goes_on_with_the_others(serving, shared_bundle, monkeypatch, all_large):
    engine = Engine(dataclasses.replace(serving, threads=2), shared_bundle)
    bad, go_on = encode(grey(9)), threading.Event()

    def failing(self, runtime, data):
        if data == bad:
            raise ResourceError("memory ran out")
        assert go_on.wait(5)

    async def play():
        with pytest.raises(ResourceError):
            await engine.judge(engine.models.current, [bad, encode(grey(20)), encode(grey(30))])
        await asyncio.sleep(0)
        return asyncio.all_tasks() - {asyncio.current_task()}

    monkeypatch.setattr(Reader, "decode", failing)
    left = asyncio.run(play())
    go_on.set()
    engine.close()
    assert not left


def test_an_inference_is_counted_by_its_crops(engine, monkeypatch):
    sizes = []
    monkeypatch.setattr(engine.observer, "batch_ran", sizes.append)
    judge(engine, b"junk", *[encode(grey(level)) for level in (0, 99)], b"junk")
    assert sum(sizes) == 2


def test_a_large_picture_is_at_work_until_it_is_judged(engine, monkeypatch, all_large):
    before, seen, decode = metrics.AT_WORK._value.get(), [], Reader.decode

    def watched(self, runtime, data):
        seen.append(metrics.AT_WORK._value.get() - before)
        return decode(self, runtime, data)

    monkeypatch.setattr(Reader, "decode", watched)
    judge(engine, encode(grey(0)), encode(grey(99)))
    assert seen == [2, 2]
    assert metrics.AT_WORK._value.get() == before


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_is_checked_within_the_budget_and_off_the_threads_that_infer(engine, monkeypatch, kind):
    body, taken, threads = encode(grey(99, (70, 50)), kind), [], []
    take, decode = engine._decoding.take, Reader.decode_picture
    monkeypatch.setattr(engine._decoding, "take", lambda pixels: taken.append(pixels) or take(pixels))
    monkeypatch.setattr(
        Reader,
        "decode_picture",
        lambda self, data: threads.append(threading.current_thread().name) or decode(self, data),
    )
    assert asyncio.run(engine.format_of(body)) == kind
    assert taken == [70 * 50]
    assert [name.startswith("unmask-feedback") for name in threads] == [True]


def test_memory_that_runs_out_is_no_fault_of_the_picture(engine, monkeypatch):
    def decode(*_, **__):
        raise ResourceError("memory ran out")

    monkeypatch.setattr(Reader, "decode", decode)
    with pytest.raises(ResourceError):
        judge(engine, encode(grey(255)))


def test_a_bundle_that_says_no_margin_is_refused_where_faces_are_cut(serving, bundle_folder, detector):
    bundle = load_bundle(bundle_folder)
    describe(bundle_folder, dataclasses.replace(bundle, params={**bundle.params, "assemble": {"clip_frames": 4}}))
    with pytest.raises(DataError, match=r"assemble\.faces\.margin is missing"):
        Engine(dataclasses.replace(serving, faces="mediapipe"), bundle_folder)
