"""What a plain source says about its pictures besides the folders: pairs, attributes, landmarks.

A path that a sidecar names is only looked up among the pictures found, never opened.
"""

import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from unmask.data.manifest import LANDMARK_VALUES
from unmask.data.sources.layout import Finding, Found
from unmask.data.sources.tree import Tree
from unmask.errors import DataError

PAIRS, ATTRIBUTES, LANDMARKS = "pairs.csv", "attributes.csv", "landmarks.parquet"
SIDECARS = (PAIRS, ATTRIBUTES, LANDMARKS)
MAX_TABLE_MEGABYTES = 2_000.0
_OWN_COLUMNS = ("file", "group", "first_seen", "clip")
_Changes = defaultdict[str, dict[str, Any]]


class _Lookup:
    """Find a picture by its path below the source's folder or, if only one has it, by its file name."""

    def __init__(self, found: Iterable[Found]) -> None:
        self.pictures: dict[str, Found] = {}
        self._names: dict[tuple[str, str], list[str]] = defaultdict(list)
        for picture in found:
            self.pictures[picture.path] = picture
            for scope in (picture.label, ""):
                self._names[scope, PurePosixPath(picture.path).name].append(picture.path)

    def find(self, text: str, label: str = "") -> str | None:
        """The path of the picture that TEXT names, among those with LABEL; None if none or several."""
        path = text.strip().replace("\\", "/").removeprefix("./")
        if path in self.pictures:
            return path if label in {"", self.pictures[path].label} else None
        named = self._names.get((label, path), []) if "/" not in path else []
        return named[0] if len(named) == 1 else None


def apply_sidecars(tree: Tree, prefix: str, found: list[Found], finding: Finding) -> list[Found]:
    """The pictures of the source below PREFIX with what its sidecars, all optional, say of them.

    Raises:
        DataError: a sidecar can't be parsed or lacks its columns; a source is not taken without its pairs.
    """
    lookup = _Lookup(found)
    changes: _Changes = defaultdict(dict)
    for name, read in ((PAIRS, _read_pairs), (ATTRIBUTES, _read_attributes), (LANDMARKS, _read_landmarks)):
        if prefix + name in tree.members and prefix + name not in finding.used:
            finding.used.add(prefix + name)
            read(tree, prefix + name, lookup, changes, finding)
    return [replace(picture, **changes[picture.path]) if picture.path in changes else picture for picture in found]


def read_csv(tree: Tree, path: str, needed: tuple[str, ...]) -> pd.DataFrame:
    """Read a CSV table of the tree as text.

    Raises:
        DataError: it is no table in UTF-8, or lacks one of the columns NEEDED.
    """
    try:
        stream = io.BytesIO(tree.read(path, max_megabytes=MAX_TABLE_MEGABYTES))
        table = pd.read_csv(stream, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True)
    except (DataError, OSError, ValueError) as error:
        raise DataError(f"{tree.at(path)}: not a CSV table in UTF-8 ({str(error).splitlines()[0]})") from error
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise DataError(f"{tree.at(path)}: lacks the column {', '.join(missing)}; its first line must name the columns")
    return table.fillna("")


def is_date(text: str) -> bool:
    """Whether a text begins with an ISO date."""
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def _read_pairs(tree: Tree, path: str, lookup: _Lookup, changes: _Changes, finding: Finding) -> None:
    table = read_csv(tree, path, ("real", "fake"))
    lost = []
    for real_text, fake_text in zip(table["real"], table["fake"], strict=True):
        real, fake = lookup.find(real_text, "real"), lookup.find(fake_text, "fake")
        if real is None or fake is None:
            lost.append(f"{real_text},{fake_text}")
        else:
            changes[fake]["pair"] = lookup.pictures[real].file
    finding.note(lost, f"{tree.at(path)}: {{}} rows name no picture, or several, left out")


def _read_attributes(tree: Tree, path: str, lookup: _Lookup, changes: _Changes, finding: Finding) -> None:
    table = read_csv(tree, path, ("file",))
    names = [name for name in table.columns if name not in _OWN_COLUMNS]
    lost, undated = [], []
    for row in table.to_dict("records"):
        picture = lookup.find(row["file"])
        if picture is None:
            lost.append(row["file"])
            continue
        facts = changes[picture]
        facts["attributes"] = {str(name): row[name].strip() for name in names if row[name].strip()}
        facts.update({name: row[name].strip() for name in ("group", "clip") if row.get(name, "").strip()})
        seen = row.get("first_seen", "").strip()
        if seen and is_date(seen):
            facts["first_seen"] = seen
        elif seen:
            undated.append(seen)
    finding.note(lost, f"{tree.at(path)}: {{}} rows name no picture, or several, left out")
    finding.note(undated, f"{tree.at(path)}: {{}} rows have a first_seen that is no ISO date, left out")


def _read_landmarks(tree: Tree, path: str, lookup: _Lookup, changes: _Changes, finding: Finding) -> None:
    try:
        stream = io.BytesIO(tree.read(path, max_megabytes=MAX_TABLE_MEGABYTES))
        table = pd.read_parquet(stream, columns=["file", "landmarks"])
    except (DataError, pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise DataError(f"{tree.at(path)}: needs the columns file and landmarks ({error})") from error
    lost = []
    for file, values in zip(table["file"], table["landmarks"], strict=True):
        picture = lookup.find(str(file))
        points = _points(values)
        if picture is None or points is None:
            lost.append(str(file))
        else:
            changes[picture]["landmarks"] = points
    what = f"{tree.at(path)}: {{}} rows name no picture, or hold other than {LANDMARK_VALUES} finite numbers, left out"
    finding.note(lost, what)


def _points(values: object) -> npt.NDArray[np.float32] | None:
    try:
        points = np.asarray(values, dtype=np.float32).ravel()
    except (TypeError, ValueError):
        return None
    return points if points.size == LANDMARK_VALUES and bool(np.isfinite(points).all()) else None
