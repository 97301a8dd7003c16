import asyncio
import io
import json
import os
import stat
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from unmask.data.clips import read_frames
from unmask.serving.clips.process import AT_A_TIME, ClipDecoder
from unmask.serving.problems import Refusal

LEVELS = [20, 60, 100, 140, 180, 220, 240, 250]


class Upload:
    """A clip as a route has it."""

    def __init__(self, data):
        self._stream = io.BytesIO(data)

    async def read(self, size=-1):
        return self._stream.read(size)


@pytest.fixture
def clip(write_clip, tmp_path):
    return Path(write_clip(str(tmp_path / "a.mp4"), LEVELS)).read_bytes()


@pytest.fixture
def limits(serving):
    serving.limits.clip_frames = 4
    return serving.limits


@pytest.fixture
def impostor(monkeypatch, tmp_path):
    """A function that puts a shell script in the decoder's place."""

    def put(*lines):
        script = tmp_path / "python"
        script.write_text("\n".join(("#!/bin/sh", *lines)) + "\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(script))

    return put


async def collect(decoder, data):
    async with decoder.open(Upload(data)) as opened:
        return opened.duration_s, [frame async for frame in opened.frames()]


def refused(decoder, data=b"clip"):
    with pytest.raises(Refusal) as caught:
        asyncio.run(collect(decoder, data))
    return caught.value.status_code, caught.value.detail


def test_frames_are_those_that_are_decoded_here(limits, clip):
    duration_s, frames = asyncio.run(collect(ClipDecoder(limits), clip))
    here = read_frames(clip, 4, max_megapixels=1.0)
    assert duration_s == pytest.approx(0.8)
    assert [frame.time_s for frame in frames] == [frame.time_s for frame in here]
    assert all(np.array_equal(one.picture, other.image) for one, other in zip(frames, here, strict=True))


@pytest.mark.parametrize("spoil", [lambda clip: clip[:60], lambda clip: clip[:32] + bytes(2000), lambda clip: b""])
def test_a_damaged_clip_is_refused(limits, clip, spoil):
    status, said = refused(ClipDecoder(limits), spoil(clip))
    assert status == 400
    assert "Traceback" not in said


def test_a_clip_that_is_too_long_is_not_decoded(limits, clip):
    limits.clip_seconds = 0.5
    assert refused(ClipDecoder(limits), clip) == (413, "longer than 0.5 s (0.8 s); cut it")


def test_frames_that_are_too_large_are_refused(limits, clip):
    limits.picture_megapixels = 0.001
    assert refused(ClipDecoder(limits), clip)[0] == 400


def test_without_the_extra_the_answer_says_how_to_get_it(limits, clip, monkeypatch, tmp_path):
    (tmp_path / "av.py").write_text("raise ImportError")
    monkeypatch.syspath_prepend(tmp_path)
    assert refused(ClipDecoder(limits), clip) == (501, "clips need the extra `clips` (pip install 'unmask[clips]')")


def test_a_decoder_that_hangs_is_killed(limits, impostor, tmp_path):
    impostor(f"echo $$ > {tmp_path}/pid", "exec sleep 60")
    limits.timeout_s = 1.0
    start = time.monotonic()
    status, said = refused(ClipDecoder(limits))
    assert (status, said) == (413, "the clip takes too long to decode; send a shorter or a smaller one")
    assert time.monotonic() - start < 20
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "junk",
        "[1]",
        '{"duration_s": "long"}',
        '{"duration_s": 1.0, "more": 1}',
        '{"error": 1, "status": "x"}',
        '{"duration_s": 1.0}\n{"time_s": 0.0, "width": 90000, "height": 90000}\n',
        '{"duration_s": 1.0}\n{"time_s": 0.0, "width": -1, "height": 1}\n',
        '{"duration_s": 1.0}\n{"time_s": 0.0, "width": 8, "height": 8}\ncut off',
        "x" * 100_000,
    ],
)
def test_what_a_broken_decoder_says_does_no_harm(limits, impostor, tmp_path, said):
    (tmp_path / "said").write_text(said)
    impostor("cat > /dev/null", f"cat {tmp_path}/said")
    assert refused(ClipDecoder(limits)) == (400, "damaged clip: its decoder failed")


def test_a_few_are_decoded_at_a_time_and_the_others_come_back_later(limits, impostor):
    impostor("sleep 60; true")  # a child of the child, which must end as well
    limits.timeout_s = 1.0

    async def together():
        decoder = ClipDecoder(limits)
        asked = [collect(decoder, b"clip") for _ in range(AT_A_TIME + 2)]
        return [error.status_code for error in await asyncio.gather(*asked, return_exceptions=True)]

    statuses = asyncio.run(together())
    assert sorted(statuses) == [413] * AT_A_TIME + [429] * 2


def test_room_is_given_back(limits, clip):
    async def in_turn():
        decoder = ClipDecoder(limits)
        return [len((await collect(decoder, clip))[1]) for _ in range(AT_A_TIME + 1)]

    assert asyncio.run(in_turn()) == [4] * (AT_A_TIME + 1)


def test_the_decoder_does_not_see_the_services_environment(limits, impostor, tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_TOKENS", "secret")
    impostor(f"env > {tmp_path}/env")
    refused(ClipDecoder(limits))
    assert "secret" not in (tmp_path / "env").read_text()


def test_who_leaves_takes_the_process_along(limits, impostor, tmp_path):
    impostor(f"echo $$ > {tmp_path}/pid", "exec sleep 60")

    async def leave():
        task = asyncio.ensure_future(collect(ClipDecoder(limits), b"clip"))
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(leave())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_the_task_travels_whole(limits, impostor, tmp_path):
    impostor(f'echo "$4" > {tmp_path}/task')
    refused(ClipDecoder(limits))
    task = json.loads((tmp_path / "task").read_text())
    assert (task["frames"], task["max_duration_s"]) == (4, limits.clip_seconds)
