"""From uploaded bytes to judgements: decoded in threads, inferred in batches."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from unmask.data.decode import decode_picture
from unmask.data.preprocess import Pixels
from unmask.errors import DataError
from unmask.service_settings import Serving
from unmask.serving.batcher import Batcher
from unmask.serving.models import Models
from unmask.serving.observer import Observer
from unmask.serving.picture_quality import Quality, measure_quality
from unmask.serving.runtime import Answer, Runtime


@dataclass(frozen=True)
class Outcome:
    """One picture's answer, the upright picture it is of and that one's quality where it is logged; or why not."""

    picture: Image.Image | None = None
    answer: Answer | None = None
    error: str = ""
    quality: Quality | None = None


class Engine:
    """All that a worker holds: the settings, the model that answers, the threads that work.

    BUNDLE is what answers, whatever is promoted; None follows what is promoted.
    """

    def __init__(self, settings: Serving, bundle: Path | None = None) -> None:
        self.settings = settings
        threads = settings.threads or len(os.sched_getaffinity(0))
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="unmask")
        # Threads that each infer on one core beat one inference on all: nobody waits for the slowest part of a layer.
        self.models = Models(
            bundle, state=Path(settings.state), poll_s=settings.poll_s, threads=1, batch=settings.batch
        )
        self.observer = Observer(settings)
        self.batcher = Batcher(self.pool, batch=settings.batch, runs=threads, on_run=self.observer.batch_ran)
        self.ready = True

    async def judge(self, runtime: Runtime, pictures: Sequence[bytes]) -> list[Outcome]:
        """What RUNTIME says of each encoded picture, in order; a picture that can't be judged says why."""
        with self.observer.at_work(len(pictures)):
            return list(await asyncio.gather(*(self._judge(runtime, data) for data in pictures)))

    async def _judge(self, runtime: Runtime, data: bytes) -> Outcome:
        loop = asyncio.get_running_loop()
        try:
            picture, crop, quality = await loop.run_in_executor(self.pool, self._read, runtime, data)
        except DataError as error:
            return Outcome(error=str(error))
        return Outcome(picture, (await self.batcher.answer(runtime, [crop]))[0], quality=quality)

    def _read(self, runtime: Runtime, data: bytes) -> tuple[Image.Image, Pixels, Quality | None]:
        limits = self.settings.limits
        found = decode_picture(data, max_megapixels=limits.picture_megapixels, max_megabytes=limits.picture_megabytes)
        reduced = runtime.reduce(found.image)
        quality = None
        if self.observer.measures_quality:
            quality = measure_quality(
                reduced, size=found.image.size, jpeg_quality=found.jpeg_quality, encoded_bytes=len(data)
            )
        return found.image, runtime.crop(reduced), quality

    def close(self) -> None:
        """Let the threads go, and write what is still to be logged."""
        self.ready = False
        self.models.close()
        self.observer.close()
        self.pool.shutdown(wait=False, cancel_futures=True)
