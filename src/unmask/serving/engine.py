"""From uploaded bytes to judgements: decoded in threads, inferred in batches."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from unmask.data.clips import looks_like_clip
from unmask.data.decode import decode_image
from unmask.data.preprocess import Pixels
from unmask.errors import DataError
from unmask.service_settings import Serving
from unmask.serving.batcher import Batcher
from unmask.serving.clips.process import ClipDecoder
from unmask.serving.inbox.inbox import Inbox
from unmask.serving.models import Models
from unmask.serving.runtime import Answer, Runtime


@dataclass(frozen=True)
class Outcome:
    """One picture's answer and, where it was to be kept, the upright picture it is of; or why there is none."""

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
        self.clips = ClipDecoder(settings.limits)
        self.inbox = Inbox(settings)
        self._batcher = Batcher(self.pool, batch=settings.batch, runs=threads)

    async def judge(self, runtime: Runtime, pictures: Sequence[bytes], *, keep: bool = False) -> list[Outcome]:
        """What RUNTIME says of each encoded picture, in order; a picture that can't be judged says why.

        KEEP has the outcomes hold the decoded pictures.
        """
        return list(await asyncio.gather(*(self._judge(runtime, data, keep) for data in pictures)))

    async def judge_decoded(self, runtime: Runtime, pictures: Sequence[Image.Image]) -> list[Outcome]:
        """As judge, of upright RGB pictures, such as the frames of a clip."""
        return list(await asyncio.gather(*(self._judge(runtime, picture, keep=False) for picture in pictures)))

    async def _judge(self, runtime: Runtime, source: bytes | Image.Image, keep: bool) -> Outcome:
        loop = asyncio.get_running_loop()
        try:
            picture, crop = await loop.run_in_executor(self.pool, self._read, runtime, source)
        except DataError as error:
            return Outcome(error=str(error))
        answer = (await self._batcher.answer(runtime, [crop]))[0]
        return Outcome(picture if keep else None, answer)

    def _read(self, runtime: Runtime, source: bytes | Image.Image) -> tuple[Image.Image, Pixels]:
        picture = source if isinstance(source, Image.Image) else self._decode(source)
        return picture, runtime.prepare(picture)

    def _decode(self, data: bytes) -> Image.Image:
        if looks_like_clip(data[:64]):
            raise DataError("a clip, not a picture; send it to /predict_clip")
        limits = self.settings.limits
        return decode_image(data, max_megapixels=limits.picture_megapixels, max_megabytes=limits.picture_megabytes)

    def close(self) -> None:
        """Let the threads go."""
        self.inbox.close()
        self.pool.shutdown(wait=False, cancel_futures=True)
