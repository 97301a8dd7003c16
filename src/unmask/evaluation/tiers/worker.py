"""An original to the crops of every degradation, as the network takes them; in worker processes, without torch."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from unmask.data.decode import pillow_quiet
from unmask.data.preprocess import Pixels, PreprocessSpec, crop
from unmask.data.quality import content_id
from unmask.data.shards import ShardReader
from unmask.data.stills import Limits, Still, stills_of
from unmask.errors import DataError, ResourceError
from unmask.evaluation.tiers.originals import Job, Part
from unmask.evaluation.tiers.table import CLEAN, Degradation
from unmask.evaluation.tiers.view import View


@dataclass(frozen=True)
class Made:
    """A row's degraded crop in each asked-for cut, uint8 (size_px, size_px, 3), or the REASON why there is none."""

    image_id: str
    name: str
    pixels: Sequence[Pixels] = field(default=(), repr=False)
    reason: str = ""


@dataclass(frozen=True)
class Degrader:
    """Degrade originals with one set of settings; cheap to send to a worker process.

    LIMITS, MAX_SIDE_PX and MIN_SIDE_PX are those of `assemble`; SPECS say how the networks' crops are cut.
    """

    degradations: tuple[Degradation, ...]
    specs: tuple[PreprocessSpec, ...]
    limits: Limits
    max_side_px: int
    min_side_px: int
    seed: int

    def __call__(self, job: Job) -> list[Made]:
        """Every degradation of every part of a job; where clean can't be had, clean alone with its reason.

        Raises:
            DataError: memory ran out over the file.
        """
        try:
            with pillow_quiet():
                stills = {still.frame: still for still in stills_of(_reader(job.batch).read(job.key), b"", self.limits)}
                return [made for part in job.parts for made in self._part(part, stills.get(part.frame))]
        except (MemoryError, ResourceError):
            raise DataError(
                f"{job.batch / job.key}: memory ran out over it; try a smaller scale.workers or fewer evaluate.tiers"
            ) from None
        except DataError as error:
            return [Made(part.image_id, CLEAN.name, reason=str(error)) for part in job.parts]

    def _part(self, part: Part, still: Still | None) -> Iterator[Made]:
        if still is None:
            yield Made(part.image_id, CLEAN.name, reason=f"its clip gives no frame {part.frame} any more")
            return
        view = View(still.image, part.box)
        if content_id(view.crop(self.max_side_px)[0]) != part.image_id:
            yield Made(part.image_id, CLEAN.name, reason="its original gives another crop than the stored one")
            return
        for degradation in self.degradations:
            yield self._degraded(part, view, degradation)

    def _degraded(self, part: Part, view: View, degradation: Degradation) -> Made:
        try:
            image, side_px = degradation(view, _generator(self.seed, part.image_id, degradation)).crop(self.max_side_px)
        except DataError as error:
            return Made(part.image_id, degradation.name, reason=str(error))
        if side_px < self.min_side_px:
            return Made(part.image_id, degradation.name, reason=f"shorter side under {self.min_side_px} px then")
        return Made(part.image_id, degradation.name, [crop(image, spec) for spec in self.specs])


def _generator(seed: int, image_id: str, degradation: Degradation) -> np.random.Generator:
    """Draws of a row, alike at all points of a sweep: a curve then shows the strength and not the draw."""
    text = f"{seed} {image_id} {degradation.sweep or degradation.name}"
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))


@cache
def _reader(batch: Path) -> ShardReader:
    return ShardReader(batch)
