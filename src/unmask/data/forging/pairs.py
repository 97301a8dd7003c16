"""Hold registered pairs against each other in a worker process, and what the tables keep of it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from unmask.config import Expand
from unmask.data.decode import decode_image
from unmask.data.forging.altered import altered_regions
from unmask.data.forging.difference import DIFFERENCE, UNCHANGED, Bounds, Compared, compare
from unmask.data.forging.overlap import Overlap, moved, overlap_of, shrunk_apart
from unmask.data.forging.regions import Points, as_points
from unmask.data.forging.targets import Regions
from unmask.data.forging.warping import Pixels
from unmask.data.forging.worker import png_bytes
from unmask.data.shards import ShardReader

PAIRS_SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),  # of the fake
        pa.field("forged_from", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),  # difference, unchanged, or why the two can't be compared
        pa.field("mask_key", pa.string(), nullable=False),  # below the folder of this table, or ""
        pa.field("inside", pa.float64(), nullable=False),  # mean change of luma in the face, of 1
        pa.field("around", pa.float64(), nullable=False),  # the same around the face
        pa.field("moved", pa.float64(), nullable=False),  # what a move by one pixel would change around it
        pa.field("altered", pa.list_(pa.string())),
        pa.field("visible", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True)
class Pair:
    """A fake crop with landmarks (68, 2), the real one that it was made from, and the part that they share.

    `shared` is None where the two are compared as they are; `apart` tells that they can't be.
    """

    image_id: str
    key: str
    points: Points
    real_id: str
    real_key: str
    real_points: Points | None
    shared: Overlap | None
    apart: bool


@dataclass(frozen=True)
class Shown:
    """A row of PAIRS_SCHEMA without its mask_key, and the mask as PNG where there is one."""

    facts: dict[str, Any]
    mask_png: bytes


def pairs_of(rows: pd.DataFrame) -> list[Pair]:
    """Labelled fakes of a manifest that have landmarks and a known original but no mask of their own, by image_id."""
    by_id = rows.set_index("image_id")
    fakes = rows[(rows["label"] == "fake") & rows["labelled"] & rows["landmarks"].notna() & (rows["mask_key"] == "")]
    fakes = fakes[fakes["forged_from"].isin(by_id.index)].sort_values("image_id")
    origins = by_id.loc[fakes["forged_from"]]
    return [
        Pair(
            image_id=fake["image_id"],
            key=fake["key"],
            points=as_points(fake["landmarks"]),
            real_id=fake["forged_from"],
            real_key=real["key"],
            real_points=_points(real["landmarks"]),
            shared=overlap_of(fake, real),
            apart=shrunk_apart(fake, real),
        )
        for fake, real in zip(fakes.to_dict("records"), origins.to_dict("records"), strict=True)
    ]


@dataclass(frozen=True)
class PairComparer:
    """Compares pairs of crops below ROOT within BOUNDS; cheap to send to a worker process."""

    root: Path
    bounds: Bounds

    def __call__(self, pairs: list[Pair]) -> list[Shown]:
        """What each pair shows, in order.

        Raises:
            DataError: a crop can't be read.
        """
        with ShardReader(self.root) as reader:
            return [self._one(pair, reader) for pair in pairs]

    def _one(self, pair: Pair, reader: ShardReader) -> Shown:
        real, fake = (np.asarray(decode_image(reader.read(key))) for key in (pair.real_key, pair.key))
        found = self._compare(pair, real, fake)
        altered, visible = set[str](), set[str]()
        if found.mask is not None:
            altered, visible = altered_regions(found.mask, pair.points)
        facts = {
            "image_id": pair.image_id,
            "forged_from": pair.real_id,
            "outcome": found.outcome,
            "inside": found.inside,
            "around": found.around,
            "moved": found.moved,
            "altered": sorted(altered),
            "visible": sorted(visible),
        }
        png = b"" if found.mask is None else png_bytes(found.mask.astype(np.uint8) * np.uint8(255))
        return Shown(facts, png)

    def _compare(self, pair: Pair, real: Pixels, fake: Pixels) -> Compared:
        shared = pair.shared
        if pair.apart:
            return Compared("real and fake were cut at different places and shrunk")
        if shared is None:
            return compare(real, fake, real_points=pair.real_points, points=pair.points, bounds=self.bounds)
        found = compare(
            shared.cut(real, shared.real),
            shared.cut(fake, shared.fake),
            real_points=None if pair.real_points is None else moved(pair.real_points, shared.real),
            points=moved(pair.points, shared.fake),
            bounds=self.bounds,
        )
        whole = None if found.mask is None else shared.laid_back(found.mask, (fake.shape[0], fake.shape[1]))
        return replace(found, mask=whole)


def bounds_of(settings: Expand) -> Bounds:
    """The settings that decide when a difference counts."""
    return Bounds(
        factor=settings.pair_noise_factor,
        floor=settings.pair_min_change,
        shift_px=settings.pair_max_shift_px,
        min_area=settings.min_area,
    )


def pair_regions(pairs: pd.DataFrame) -> dict[str, Regions]:
    """Regions by image_id of the pairs of PAIRS_SCHEMA that could be compared.

    Where no region shows a change the regions are unknown rather than untouched: a subtle forgery lies below the
    noise. A pair that could not be compared is absent, and the manipulation's table decides.
    """
    compared = pairs[pairs["outcome"].isin((DIFFERENCE, UNCHANGED))]
    return {
        row["image_id"]: Regions(frozenset(row["altered"]), frozenset(row["visible"] if len(row["altered"]) else ()))
        for row in compared.to_dict("records")
    }


def _points(landmarks: object) -> Points | None:
    return None if landmarks is None else as_points(landmarks)
