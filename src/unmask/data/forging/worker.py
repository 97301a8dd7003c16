"""Forge one face in a worker process."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from unmask.data.decode import decode_image
from unmask.data.forging.altered import altered_regions
from unmask.data.forging.blending import Forgery, refusal
from unmask.data.forging.plan import Face, Job, Order
from unmask.data.forging.recipes import Recipe, forge, unusable
from unmask.data.forging.regionedit import Donor, Edit
from unmask.data.forging.warping import Pixels
from unmask.data.quality import measure
from unmask.data.shards import ShardReader


@dataclass(frozen=True)
class Made:
    """One accepted forgery, encoded, with what the manifest wants to know of it."""

    recipe: Recipe
    facts: dict[str, Any]
    png: bytes
    mask_png: bytes
    altered: tuple[str, ...]
    visible: tuple[str, ...]


@dataclass(frozen=True)
class Skipped:
    """One forgery that was not made, and why."""

    recipe: Recipe
    reason: str


@dataclass(frozen=True)
class Forger:
    """Makes what a job orders; crops are read below ROOT, bounds are those of `refusal`."""

    root: Path
    min_change: float
    min_area: float
    colour_space: str

    def __call__(self, jobs: list[Job]) -> list[list[Made | Skipped]]:
        """Results of each job, in order.

        Raises:
            DataError: a crop can't be read.
        """
        with ShardReader(self.root) as reader:
            return [self._all_of(job, reader) for job in jobs]

    def _all_of(self, job: Job, reader: ShardReader) -> list[Made | Skipped]:
        image = _load(reader, job.face.key)
        return [self._one(job.face, image, order, reader) for order in job.orders]

    def _one(self, face: Face, image: Pixels, order: Order, reader: ShardReader) -> Made | Skipped:
        recipe = order.recipe
        if reason := unusable(face.points, recipe.generator, (image.shape[0], image.shape[1])):
            return Skipped(recipe, reason)
        donor = None if order.donor is None else Donor(_load(reader, order.donor.key), order.donor.points)
        forgery = forge(image, face.points, recipe, Edit(order.method, donor, order.poisson, self.colour_space))
        altered, visible = altered_regions(forgery.mask, face.points)
        if reason := refusal(forgery, min_change=self.min_change, min_area=self.min_area):
            return Skipped(recipe, reason)
        if not altered:
            return Skipped(recipe, "no region is altered enough to be labelled")
        return _made(recipe, forgery, tuple(sorted(altered)), tuple(sorted(visible)))


def png_bytes(pixels: Pixels) -> bytes:
    """Encode a picture (h, w, 3) or mask (h, w), losslessly and fast."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _load(reader: ShardReader, key: str) -> Pixels:
    return np.asarray(decode_image(reader.read(key)))


def _made(recipe: Recipe, forgery: Forgery, altered: tuple[str, ...], visible: tuple[str, ...]) -> Made:
    facts = vars(measure(Image.fromarray(forgery.image)))
    mask = forgery.mask.astype(np.uint8) * np.uint8(255)
    return Made(recipe, facts, png_bytes(forgery.image), png_bytes(mask), altered, visible)
