"""Which crop a fake's crop was forged from: the same face in the same frame of the file that it names."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from unmask.data.boxes import intersection_over_union

# Intersection over union of two crops of one face, found anew in the fake and in its original.
_SAME_PLACE = 0.3


def original_ids(rows: pd.DataFrame) -> list[str]:
    """The image_id of each row's original, or "", from raw_sha256, pair_sha256, frame and crop_box.

    Of the original's crops of the same frame it is the one that overlaps most with the row's; a whole picture's
    original is a whole picture.
    """
    columns = ["raw_sha256", "pair_sha256", "frame", "image_id", "crop_box"]
    records = rows[columns].to_dict("records")
    crops: defaultdict[tuple[str, int], list[Mapping[Hashable, Any]]] = defaultdict(list)
    for row in records:
        crops[row["raw_sha256"], row["frame"]].append(row)
    return [_best(row["crop_box"], crops.get((row["pair_sha256"], row["frame"]), [])) for row in records]


def _best(box: Sequence[float] | None, candidates: list[Mapping[Hashable, Any]]) -> str:
    overlaps = [(_overlap(box, each["crop_box"]), each["image_id"]) for each in candidates]
    share, image_id = max(overlaps, default=(0.0, ""), key=lambda found: found[0])
    return str(image_id) if share >= _SAME_PLACE else ""


def _overlap(one: Sequence[float] | None, other: Sequence[float] | None) -> float:
    if one is None or other is None:
        return float(one is other)
    return intersection_over_union(one, other)
