"""From uploaded bytes to judgements: decoded and inferred in threads, in batches."""

import asyncio
import threading
import warnings
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from PIL import Image

from unmask.data.boxes import Box
from unmask.data.clips import looks_like_clip
from unmask.errors import DataError, ResourceError, TooLargeError
from unmask.service_settings import Serving
from unmask.serving.batcher import Batcher
from unmask.serving.budget import Budget
from unmask.serving.clips.process import ClipDecoder
from unmask.serving.cores import count_threads, usable_cores
from unmask.serving.faces import FaceFinder
from unmask.serving.inbox.inbox import Inbox
from unmask.serving.loading import create_finder, load_models
from unmask.serving.observer import Observer
from unmask.serving.reading import Read, Reader, View
from unmask.serving.retention import Retention
from unmask.serving.runtime import Answer, Runtime
from unmask.serving.traffic import remove_old

Decoded = TypeVar("Decoded")
LARGE = 4_000_000  # pixels; above it a picture is decoded aside, so that small ones overtake it


@dataclass(frozen=True)
class FaceOutcome:
    """A face that was found and judged: its box x0, y0, x1, y1 in px of the upright picture, the detector's score."""

    box: Box
    score: float
    answer: Answer


@dataclass(frozen=True)
class Outcome:
    """One picture's answer, or in `error` why there is none.

    FACES is None where pictures are taken as crops, else from left to right, and ANSWER that of the most suspect one.
    READ is what was judged (no picture where nothing could be read); its `views` are those of the faces, in order,
    and VIEW the one that ANSWER is about. TOO_LARGE says that it was refused for its bytes or pixels.
    """

    answer: Answer | None = None
    faces: list[FaceOutcome] | None = None
    read: Read | None = None
    view: View | None = None
    error: str = ""
    too_large: bool = False

    @classmethod
    def refused(cls, error: DataError) -> Self:
        """That of a picture which can't be judged."""
        return cls(error=str(error), too_large=isinstance(error, TooLargeError))


@dataclass(frozen=True)
class _Large:
    data: bytes
    pixels: int


_Source = bytes | Image.Image | Read


class Engine:
    """All that a worker holds: the settings, the model that answers, the threads that work.

    BUNDLE is what answers, whatever is promoted; None follows what is promoted.

    Raises:
        DataError: the bundle can't be served.
        ConfigError: a setting needs an extra that is not installed.
    """

    def __init__(self, settings: Serving, bundle: Path | None = None) -> None:
        self.settings = settings
        finder = create_finder(settings)
        self.models = load_models(settings, bundle, poll_s=settings.poll_s)
        self.observer = Observer(settings)
        self.clips = ClipDecoder(settings.limits)
        self.inbox = Inbox(settings)
        self._retention = Retention(
            (partial(remove_old, Path(settings.state)), self.inbox.sweep), keep_days=settings.keep_days
        )
        self._reader = Reader(settings.limits, finder)
        threads = count_threads(settings, usable_cores())
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="unmask")
        self._batcher: Batcher[Runtime, _Source, Outcome | _Large] = Batcher(
            self._run, pool=self.pool, batch=settings.batch, runs=threads
        )
        self._aside = ThreadPoolExecutor(max(1, threads // 2), thread_name_prefix="unmask-large")
        self._decoding = Budget(int(settings.limits.decoding_megapixels * 1e6))
        # Process-wide, because filters are: what matters of a damaged file becomes a reason for its sender.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        if finder:
            _warm(finder, self.pool, threads)
        self.ready = True

    async def judge(self, runtime: Runtime, pictures: Sequence[bytes | Image.Image]) -> list[Outcome]:
        """What RUNTIME says of each picture, encoded or upright RGB, in order; one that can't be judged says why.

        Raises:
            ResourceError: memory ran out.
        """
        with self.observer.at_work(len(pictures)):
            return await self._judge(runtime, pictures)

    async def format_of(self, data: bytes) -> str:
        """Which of opening.FORMATS an encoded picture is of, once it has been seen to decode.

        Raises:
            ResourceError: memory ran out.
            DataError: it can't be decoded.
        """
        pool = self.inbox.pool
        pixels = await asyncio.get_running_loop().run_in_executor(pool, self._reader.pixels, data)
        return (await self._when_there_is_room(pixels, pool, partial(self._reader.decode_picture, data))).format

    def close(self) -> None:
        """Let the threads go, and write what is still to be logged."""
        self.ready = False
        self.models.close()
        self._retention.close()
        self.observer.close()
        self.inbox.close()
        self.pool.shutdown(wait=False, cancel_futures=True)
        self._aside.shutdown(wait=False, cancel_futures=True)

    async def _judge(self, runtime: Runtime, sources: Sequence[_Source]) -> list[Outcome]:
        found = await self._batcher.submit(runtime, sources)
        if any(isinstance(each, _Large) for each in found):
            return await _together([self._settle(runtime, each) for each in found])
        return [each for each in found if not isinstance(each, _Large)]

    async def _settle(self, runtime: Runtime, found: Outcome | _Large) -> Outcome:
        """Decode a large picture when there is room for it."""
        if isinstance(found, Outcome):
            return found
        decode = partial(self._reader.decode, runtime, found.data)
        try:
            read = await self._when_there_is_room(found.pixels, self._aside, decode)
        except ResourceError:
            raise
        except DataError as error:
            return Outcome.refused(error)
        return (await self._judge(runtime, [read]))[0]

    async def _when_there_is_room(self, pixels: int, pool: Executor, decode: Callable[[], Decoded]) -> Decoded:
        """Decode PIXELS in a thread of a POOL as soon as memory may hold them."""
        loop = asyncio.get_running_loop()
        taken = await self._decoding.take(pixels)
        work = pool.submit(decode)
        # Not where the await ends: who leaves does not stop the thread, whose picture still fills memory.
        work.add_done_callback(partial(self._give_back, loop, taken))
        return await asyncio.wrap_future(work)

    def _give_back(self, loop: asyncio.AbstractEventLoop, taken: int, _: object) -> None:
        loop.call_soon_threadsafe(self._decoding.give, taken)

    def _run(self, runtime: Runtime, sources: list[_Source]) -> list[Outcome | _Large | Exception]:
        """In a thread: read each picture, infer all their crops at once."""
        found = [self._read(runtime, source) for source in sources]
        crops = [view.crop for each in found if isinstance(each, Read) for view in each.views]
        answers: list[Answer] = []
        for start in range(0, len(crops), self.settings.batch):
            some = np.stack(crops[start : start + self.settings.batch])
            answers += runtime.predict_crops(some)
            self.observer.batch_ran(len(some))
        left = iter(answers)
        return [_outcome(each, [next(left) for _ in each.views]) if isinstance(each, Read) else each for each in found]

    def _read(self, runtime: Runtime, source: _Source) -> Read | Outcome | _Large | Exception:
        try:
            return self._look(runtime, source)
        except MemoryError:
            return ResourceError("memory ran out while a picture was read")
        except ResourceError as error:
            return error
        except DataError as error:
            return Outcome.refused(error)
        except Exception as error:  # noqa: BLE001  (the other pictures of the run are of other senders)
            return error

    def _look(self, runtime: Runtime, source: _Source) -> Read | _Large:
        if isinstance(source, Read):
            return source
        if isinstance(source, Image.Image):
            return self._reader.look(runtime, source)
        if looks_like_clip(source[:64]):
            raise DataError("a clip, not a picture; send it to /predict_clip")
        pixels = self._reader.pixels(source)
        return _Large(source, pixels) if pixels > LARGE else self._reader.decode(runtime, source)


async def _together(work: Iterable[Coroutine[Any, Any, Outcome]]) -> list[Outcome]:
    """As asyncio.gather, but where one fails, nothing goes on with the others."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()


def _outcome(read: Read, answers: Sequence[Answer]) -> Outcome:
    faces = [
        FaceOutcome(view.face.box, view.face.score, answer)
        for view, answer in zip(read.views, answers, strict=True)
        if view.face
    ]
    most = max(zip(answers, read.views, strict=True), key=lambda pair: pair[0].logit, default=(None, None))
    whole = any(view.face is None for view in read.views)
    return Outcome(answer=most[0], faces=None if whole else faces, read=read, view=most[1])


def _warm(finder: FaceFinder, pool: ThreadPoolExecutor, threads: int) -> None:
    """Let each thread of a pool make its detector; the barrier keeps one thread from taking two turns."""
    together = threading.Barrier(threads)

    def once(_: int) -> None:
        finder.warm()
        together.wait()

    list(pool.map(once, range(threads)))
