"""From uploaded bytes to judgements: decoded and inferred in threads, in batches."""

import asyncio
import threading
import warnings
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from unmask.data.boxes import Box
from unmask.errors import DataError, ResourceError
from unmask.service_settings import Serving
from unmask.serving.batcher import Batcher
from unmask.serving.budget import Budget
from unmask.serving.clips.process import ClipDecoder
from unmask.serving.cores import count_threads, usable_cores
from unmask.serving.faces import FaceFinder, face_margin
from unmask.serving.inbox.inbox import Inbox
from unmask.serving.models import Models
from unmask.serving.observer import Observer
from unmask.serving.reading import Read, Reader, View
from unmask.serving.runtime import Answer, Runtime

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
    and VIEW the one that ANSWER is about.
    """

    answer: Answer | None = None
    faces: list[FaceOutcome] | None = None
    read: Read | None = None
    view: View | None = None
    error: str = ""

    @property
    def picture(self) -> Image.Image | None:
        """The upright picture, where it was kept."""
        return self.read.picture if self.read else None


@dataclass(frozen=True)
class _Task:
    source: bytes | Image.Image | Read
    keep: bool = False


@dataclass(frozen=True)
class _Large:
    data: bytes
    keep: bool
    pixels: int


class Engine:
    """All that a worker holds: the settings, the model that answers, the threads that work.

    BUNDLE is what answers, whatever is promoted; None follows what is promoted.

    Raises:
        DataError: the bundle can't be served.
        ConfigError: a setting needs an extra that is not installed.
    """

    def __init__(self, settings: Serving, bundle: Path | None = None) -> None:
        self.settings = settings
        # Threads that each infer on one core beat one inference on all: nobody waits for the slowest part of a layer.
        self.models = Models(
            bundle, state=Path(settings.state), poll_s=settings.poll_s, threads=1, batch=settings.batch
        )
        self.observer = Observer(settings)
        self.clips = ClipDecoder(settings.limits)
        self.inbox = Inbox(settings)
        self._finder = None if settings.faces == "none" else FaceFinder(settings.faces)
        self._reader = Reader(settings.limits, self._finder)
        threads = count_threads(settings, usable_cores())
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="unmask")
        self._batcher: Batcher[Runtime, _Task, Outcome | _Large] = Batcher(
            self._run, pool=self.pool, batch=settings.batch, runs=threads, on_run=self.observer.batch_ran
        )
        self._aside = ThreadPoolExecutor(max(1, threads // 2), thread_name_prefix="unmask-large")
        self._decoding = Budget(int(settings.limits.decoding_megapixels * 1e6))
        # Process-wide, because filters are: what matters of a damaged file becomes a reason for its sender.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        if self._finder:
            face_margin(self.models.current.bundle)
            _warm(self._finder, self.pool, threads)
        self.ready = True

    async def judge(self, runtime: Runtime, pictures: Sequence[bytes], *, keep: bool = False) -> list[Outcome]:
        """What RUNTIME says of each encoded picture, in order; a picture that can't be judged says why.

        Raises:
            ResourceError: memory ran out.
        """
        return await self._judge(runtime, [_Task(data, keep) for data in pictures])

    async def judge_decoded(self, runtime: Runtime, pictures: Sequence[Image.Image]) -> list[Outcome]:
        """As judge, of upright RGB pictures, such as the frames of a clip."""
        return await self._judge(runtime, [_Task(picture) for picture in pictures])

    def close(self) -> None:
        """Let the threads go, and write what is still to be logged."""
        self.ready = False
        self.models.close()
        self.observer.close()
        self.inbox.close()
        self.pool.shutdown(wait=False, cancel_futures=True)
        self._aside.shutdown(wait=False, cancel_futures=True)

    async def _judge(self, runtime: Runtime, tasks: Sequence[_Task]) -> list[Outcome]:
        with self.observer.at_work(len(tasks)):
            found = await self._batcher.submit(runtime, tasks)
        if any(isinstance(each, _Large) for each in found):
            return list(await asyncio.gather(*(self._settle(runtime, each) for each in found)))
        return [each for each in found if not isinstance(each, _Large)]

    async def _settle(self, runtime: Runtime, found: Outcome | _Large) -> Outcome:
        """Decode a large picture when there is room for it."""
        if isinstance(found, Outcome):
            return found
        loop = asyncio.get_running_loop()
        taken = await self._decoding.take(found.pixels)
        work = self._aside.submit(self._reader.decode, runtime, found.data, keep=found.keep)
        # Not where the await ends: who leaves does not stop the thread, whose picture still fills memory.
        work.add_done_callback(partial(self._give_back, loop, taken))
        try:
            read = await asyncio.wrap_future(work)
        except ResourceError:
            raise
        except DataError as error:
            return Outcome(error=str(error))
        return (await self._judge(runtime, [_Task(read)]))[0]

    def _give_back(self, loop: asyncio.AbstractEventLoop, taken: int, _: "Future[Read]") -> None:
        loop.call_soon_threadsafe(self._decoding.give, taken)

    def _run(self, runtime: Runtime, tasks: list[_Task]) -> list[Outcome | _Large | Exception]:
        """In a thread: read each picture, infer all their crops at once."""
        found = [self._read(runtime, task) for task in tasks]
        crops = [view.crop for each in found if isinstance(each, Read) for view in each.views]
        answers: list[Answer] = []
        for start in range(0, len(crops), self.settings.batch):
            answers += runtime.predict_crops(np.stack(crops[start : start + self.settings.batch]))
        left = iter(answers)
        return [_outcome(each, [next(left) for _ in each.views]) if isinstance(each, Read) else each for each in found]

    def _read(self, runtime: Runtime, task: _Task) -> Read | Outcome | _Large | Exception:
        try:
            if isinstance(task.source, Read):
                return task.source
            if isinstance(task.source, Image.Image):
                return self._reader.look(runtime, task.source)
            pixels = self._reader.pixels(task.source)
            if pixels > LARGE:
                return _Large(task.source, task.keep, pixels)
            return self._reader.decode(runtime, task.source, keep=task.keep)
        except ResourceError as error:
            return error
        except DataError as error:
            return Outcome(error=str(error))


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
