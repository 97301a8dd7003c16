"""The service's side of decoding a clip: a fresh process for each, a few at a time, killed when it takes too long."""

import asyncio
import dataclasses
import json
import math
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

from PIL import Image

from unmask.service_settings import ServingLimits
from unmask.serving.clips import decoding
from unmask.serving.problems import Refusal, TryAgain
from unmask.strict import read_dataclass

AT_A_TIME = 2
MEMORY_MEGABYTES = 2000  # of address space; a 10 s clip of 1080p takes 400
TIME_SHARE = 0.8  # of the time a request may take; the rest is for judging
GRACE_S = 0.5
CHUNK = 2**20
# What a decoder has no use for, such as tokens, stays out of its environment.
KEPT = ("PATH", "LD_LIBRARY_PATH", "LANG", "TMPDIR")
Head = TypeVar("Head", decoding.ClipHead, decoding.FrameHead)


class Source(Protocol):
    """What a clip is read from, such as an UploadFile."""

    async def read(self, size: int = -1) -> bytes:
        """Up to SIZE bytes more, none at the end."""


@dataclass(frozen=True)
class ClipFrame:
    """A frame: upright RGB picture, seconds after the first."""

    time_s: float
    picture: Image.Image


class OpenClip:
    """A clip that decodes: its duration in s, and its frames, one at a time, so that only one is held."""

    def __init__(self, output: "_Output", duration_s: float) -> None:
        self._output, self.duration_s = output, duration_s

    async def frames(self) -> AsyncIterator[ClipFrame]:
        """The frames, in order.

        Raises:
            Refusal: decoding failed meanwhile.
        """
        while (head := await self._output.next(decoding.FrameHead)) is not None:
            pixels = await self._output.pixels(head.width, head.height)
            yield ClipFrame(head.time_s, Image.frombytes("RGB", (head.width, head.height), pixels))


class ClipDecoder:
    """Decodes clips within LIMITS; what is more than AT_A_TIME waits."""

    def __init__(self, limits: ServingLimits) -> None:
        self._limits = limits
        self._seconds = limits.timeout_s * TIME_SHARE
        self._free = asyncio.Semaphore(AT_A_TIME)

    @asynccontextmanager
    async def open(self, source: Source) -> AsyncIterator[OpenClip]:
        """Decode what SOURCE gives in a process that ends with this context.

        Raises:
            Refusal: 400, damaged; 413, too long, or more work than a clip may take; 501, the extra `clips` is missing;
                429 with Retry-After, too many clips at a time.
        """
        until = asyncio.get_running_loop().time() + self._seconds
        await self._wait_for_room(until)
        try:
            async with self._process() as process:
                output = _Output(process, until, self._limits.picture_megapixels)
                yield OpenClip(output, await output.begin(source))
        finally:
            self._free.release()

    async def _wait_for_room(self, until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await self._free.acquire()
        except TimeoutError:
            raise TryAgain(429, "too many clips at a time", seconds=int(self._seconds)) from None

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[asyncio.subprocess.Process]:
        task = decoding.Task(
            frames=self._limits.clip_frames,
            max_megapixels=self._limits.picture_megapixels,
            max_duration_s=self._limits.clip_seconds,
            memory_megabytes=MEMORY_MEGABYTES,
            processor_s=math.ceil(self._seconds) + 1,
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m"),
            decoding.__name__,
            json.dumps(dataclasses.asdict(task)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env={name: os.environ[name] for name in KEPT if name in os.environ}
            | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        try:
            yield process
        finally:
            # One that has said all ends by itself, and must not be killed while it is waited for.
            with suppress(TimeoutError):
                async with asyncio.timeout(GRACE_S):
                    await process.wait()
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            # What is left in the pipes; without reading it they would stay open.
            await process.communicate()


class _Output:
    """What a decoding process says, read until it must be done."""

    def __init__(self, process: asyncio.subprocess.Process, until: float, max_megapixels: float) -> None:
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018, S101  (both are pipes)
        self._input, self._output, self._until = process.stdin, process.stdout, until
        self._most_px = max_megapixels * 1e6

    async def begin(self, source: Source) -> float:
        """Hand the clip over; its duration in s."""
        async with self._in_time():
            # A process that is gone already has said why.
            with suppress(ConnectionError):
                while chunk := await source.read(CHUNK):
                    self._input.write(chunk)
                    await self._input.drain()
            self._input.close()
        said = await self.next(decoding.ClipHead)
        if said is None:
            raise _failed()
        return said.duration_s

    async def next(self, kind: type[Head]) -> Head | None:
        """The next line, which must be of a KIND; None at the end."""
        try:
            async with self._in_time():
                line = await self._output.readline()
            if not line:
                return None
            said = json.loads(line)
            if "error" in said:
                said = read_dataclass(decoding.Failure, said)
                raise Refusal(said.status, said.error)
            return read_dataclass(kind, said)
        except ValueError:
            # It died while it spoke.
            raise _failed() from None

    async def pixels(self, width: int, height: int) -> bytes:
        """RGB of the frame that was announced."""
        if not 0 < width * height <= self._most_px:
            raise _failed()
        try:
            async with self._in_time():
                return await self._output.readexactly(width * height * 3)
        except asyncio.IncompleteReadError:
            raise _failed() from None

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(self._until):
                yield
        except TimeoutError:
            raise Refusal(413, "the clip takes too long to decode; send a shorter or a smaller one") from None


def _failed() -> Refusal:
    return Refusal(400, "damaged clip: its decoder failed")
