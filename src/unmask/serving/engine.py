"""From uploaded bytes to judgements: decoded in threads, inferred in batches."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from unmask.data.decode import decode_image
from unmask.data.preprocess import Pixels
from unmask.errors import DataError
from unmask.service_settings import Serving
from unmask.serving.batcher import Batcher
from unmask.serving.models import Models
from unmask.serving.runtime import Answer, Runtime


@dataclass(frozen=True)
class Outcome:
    """One picture's answer and the upright picture it is of, or why there is none."""

    picture: Image.Image | None = None
    answer: Answer | None = None
    error: str = ""


class Engine:
    """All that a worker holds: the settings, the model that answers, the threads that work."""

    def __init__(self, settings: Serving, bundle: Path) -> None:
        self.settings = settings
        threads = settings.threads or len(os.sched_getaffinity(0))
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="unmask")
        # Threads that each infer on one core beat one inference on all: nobody waits for the slowest part of a layer.
        self.models = Models(bundle, threads=1)
        self._batcher = Batcher(self.pool, batch=settings.batch, runs=threads)

    async def judge(self, runtime: Runtime, pictures: Sequence[bytes]) -> list[Outcome]:
        """What RUNTIME says of each encoded picture, in order; a picture that can't be judged says why."""
        return list(await asyncio.gather(*(self._judge(runtime, data) for data in pictures)))

    async def _judge(self, runtime: Runtime, data: bytes) -> Outcome:
        loop = asyncio.get_running_loop()
        try:
            picture, crop = await loop.run_in_executor(self.pool, self._read, runtime, data)
        except DataError as error:
            return Outcome(error=str(error))
        return Outcome(picture, (await self._batcher.answer(runtime, [crop]))[0])

    def _read(self, runtime: Runtime, data: bytes) -> tuple[Image.Image, Pixels]:
        limits = self.settings.limits
        picture = decode_image(data, max_megapixels=limits.picture_megapixels, max_megabytes=limits.picture_megabytes)
        return picture, runtime.prepare(picture)

    def close(self) -> None:
        """Let the threads go."""
        self.pool.shutdown(wait=False, cancel_futures=True)
