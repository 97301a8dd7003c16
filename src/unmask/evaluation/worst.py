"""The worst mistakes with a thumbnail and the detector's own words."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from unmask.data.decode import decode_image
from unmask.data.shards import ShardReader
from unmask.labels.explanation import explain
from unmask.labels.graph import LabelGraph

THUMBNAIL_PX = 112
JPEG_QUALITY = 80


@dataclass(frozen=True)
class Mistake:
    """One test picture: what it is, what was said of it, and a small JPEG as base64."""

    image_id: str
    label: str
    source: str
    generator: str
    p_fake: float
    verdict: str
    sentence: str
    thumbnail: str


def worst_mistakes(
    predictions: pd.DataFrame, keys: pd.Series, root: Path, *, graph: LabelGraph, count: int
) -> dict[str, list[Mistake]]:
    """COUNT of the test rows that were judged most wrongly, half of them real, at most one of a group and generator.

    PREDICTIONS are one candidate's test rows with `state` and `marginals`; KEYS maps image_id to the crop's shard key.
    """
    reader = ShardReader(root)
    found = {}
    for label, ascending in (("real", False), ("fake", True)):
        rows = predictions[(predictions["label"] == label) & (predictions["verdict"] != label)]
        rows = rows.sort_values("p_fake", ascending=ascending, kind="stable")
        rows = rows.drop_duplicates(["group", "generator"]).head(count // 2)
        found[label] = [_mistake(row, reader.read(keys[row["image_id"]]), graph) for _, row in rows.iterrows()]
    return found


def _mistake(row: pd.Series, crop: bytes, graph: LabelGraph) -> Mistake:
    sentence = explain(
        verdict=row["verdict"],
        state=np.asarray(row["state"]),
        marginals=np.asarray(row["marginals"]),
        graph=graph,
        p_fake=float(row["p_fake"]),
    )
    return Mistake(
        image_id=row["image_id"],
        label=row["label"],
        source=row["source"],
        generator=row["generator"],
        p_fake=float(row["p_fake"]),
        verdict=row["verdict"],
        sentence=sentence,
        thumbnail=_thumbnail(crop),
    )


def _thumbnail(crop: bytes) -> str:
    image = decode_image(crop)
    image.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=JPEG_QUALITY)
    return base64.b64encode(stream.getvalue()).decode("ascii")
