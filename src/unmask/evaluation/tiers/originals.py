"""Which test rows are degraded, and where their original files lie in data/."""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from unmask.data.batches import Batch, read_index
from unmask.errors import DataError

Keys = Mapping[str, str]


@dataclass(frozen=True)
class Part:
    """A row's crop in its original: the frame, and the box x0, y0, x1, y1 in px of the clean picture or None."""

    image_id: str
    frame: int
    box: tuple[float, float, float, float] | None


@dataclass(frozen=True)
class Job:
    """An original file below its batch's folder, and the rows that were cut out of it."""

    batch: Path
    key: str
    parts: tuple[Part, ...]


def choose(test: pd.DataFrame, count: int) -> pd.DataFrame:
    """At most COUNT test rows of each class: one of every group before a second of any, groups in the order of hashes.

    The same rows in every run and for every model; data that is added takes a few places and leaves the rest.
    """
    by_id = test.sort_values("image_id")
    order = by_id.assign(
        turn=by_id.groupby(["label", "group"]).cumcount(),
        drawn=[hashlib.sha256(str(group).encode()).hexdigest() for group in by_id["group"]],
    ).sort_values(["turn", "drawn", "image_id"])
    return by_id[by_id.index.isin(order.groupby("label").head(count).index)]


def jobs_of(rows: pd.DataFrame, data: Path) -> tuple[list[Job], dict[str, str]]:
    """Originals of manifest rows below DATA, in the order of the rows, and why there is none, by image_id."""
    batches = {name: _keys(data / str(name)) for name in sorted(rows["batch"].unique())}
    parts: defaultdict[tuple[str, str], list[Part]] = defaultdict(list)
    missing = {}
    for row in rows.to_dict("records"):
        found = batches[row["batch"]]
        if isinstance(found, DataError):
            missing[row["image_id"]] = str(found)
        elif row["raw_sha256"] not in found:
            missing[row["image_id"]] = f"{data / row['batch']}: holds no original of this crop; run assemble again"
        else:
            parts[row["batch"], found[row["raw_sha256"]]].append(_part(row))
    return [Job(data / batch, key, tuple(those)) for (batch, key), those in parts.items()], missing


def _keys(folder: Path) -> Keys | DataError:
    """Where each original of a batch is, by the hash of its bytes, or why nobody knows."""
    try:
        index = read_index(Batch(folder, 0), ["raw_sha256", "key"])
    except DataError as error:
        return error
    return dict(zip(index["raw_sha256"], index["key"], strict=True))


def _part(row: Mapping[Hashable, Any]) -> Part:
    box = row["crop_box"]
    return Part(row["image_id"], row["frame"], None if box is None else (box[0], box[1], box[2], box[3]))
