"""What a source says about its pictures besides the folders: pairs, attributes, landmarks.

A path that a sidecar names is only looked up among the pictures found, never opened.
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from unmask.data.manifest import LANDMARK_VALUES
from unmask.data.sources.folders import Found, Source
from unmask.errors import DataError

_OWN_COLUMNS = ("file", "group", "first_seen", "clip")


@dataclass
class Sidecars:
    """Facts by a picture's path; `notes` says in a line each what could not be used."""

    real_of: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, dict[str, str]] = field(default_factory=dict)
    group: dict[str, str] = field(default_factory=dict)
    clip: dict[str, str] = field(default_factory=dict)
    first_seen: dict[str, str] = field(default_factory=dict)
    landmarks: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def attributes_json(self, path: str) -> str:
        """A picture's attributes as a JSON object with sorted keys; unknown ones are left out."""
        return json.dumps(self.attributes.get(path, {}), sort_keys=True, ensure_ascii=False)


class _Lookup:
    """Find a picture by its path below the source's folder or, if only one has it, by its file name."""

    def __init__(self, found: Iterable[Found]) -> None:
        self._paths: dict[str, str] = {}
        self._names: dict[tuple[str, str], list[str]] = defaultdict(list)
        for picture in found:
            self._paths[picture.path] = picture.label
            for scope in (picture.label, ""):
                self._names[scope, PurePosixPath(picture.path).name].append(picture.path)

    def find(self, text: str, label: str = "") -> str | None:
        """The path of the picture that TEXT names, among those with LABEL; None if none or several."""
        path = text.strip().replace("\\", "/").removeprefix("./")
        if path in self._paths:
            return path if label in {"", self._paths[path]} else None
        named = self._names.get((label, path), []) if "/" not in path else []
        return named[0] if len(named) == 1 else None


def read_sidecars(source: Source, found: Iterable[Found]) -> Sidecars:
    """Read a source's sidecars, all optional.

    Raises:
        DataError: a sidecar can't be parsed or lacks its columns; a source is not taken without its pairs.
    """
    lookup, sidecars = _Lookup(found), Sidecars()
    _read_pairs(source.folder / "pairs.csv", lookup, sidecars)
    _read_attributes(source.folder / "attributes.csv", lookup, sidecars)
    _read_landmarks(source.folder / "landmarks.parquet", lookup, sidecars)
    return sidecars


def _read_pairs(path: Path, lookup: _Lookup, sidecars: Sidecars) -> None:
    table = _read_csv(path, ("real", "fake"))
    lost = []
    for real_text, fake_text in zip(table["real"], table["fake"], strict=True):
        real, fake = lookup.find(real_text, "real"), lookup.find(fake_text, "fake")
        if real is None or fake is None:
            lost.append(f"{real_text},{fake_text}")
        else:
            sidecars.real_of[fake] = real
    _note(sidecars, path, lost, "name no picture, or several")


def _read_attributes(path: Path, lookup: _Lookup, sidecars: Sidecars) -> None:
    table = _read_csv(path, ("file",))
    names = [name for name in table.columns if name not in _OWN_COLUMNS]
    lost, undated = [], []
    for row in table.to_dict("records"):
        picture = lookup.find(row["file"])
        if picture is None:
            lost.append(row["file"])
            continue
        sidecars.attributes[picture] = {str(name): row[name].strip() for name in names if row[name].strip()}
        for column, facts in (("group", sidecars.group), ("clip", sidecars.clip)):
            if row.get(column, "").strip():
                facts[picture] = row[column].strip()
        seen = row.get("first_seen", "").strip()
        if seen and _is_date(seen):
            sidecars.first_seen[picture] = seen
        elif seen:
            undated.append(seen)
    _note(sidecars, path, lost, "name no picture, or several")
    _note(sidecars, path, undated, "have a first_seen that is no ISO date")


def _read_landmarks(path: Path, lookup: _Lookup, sidecars: Sidecars) -> None:
    if not path.is_file():
        return
    try:
        table = pd.read_parquet(path, columns=["file", "landmarks"])
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: needs the columns file and landmarks ({error})") from error
    lost = []
    for file, values in zip(table["file"], table["landmarks"], strict=True):
        picture = lookup.find(str(file))
        points = _points(values)
        if picture is None or points is None:
            lost.append(str(file))
        else:
            sidecars.landmarks[picture] = points
    _note(sidecars, path, lost, f"name no picture, or hold other than {LANDMARK_VALUES} finite numbers")


def _read_csv(path: Path, needed: tuple[str, ...]) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame({name: pd.Series(dtype=str) for name in needed})
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a CSV table in UTF-8 ({str(error).splitlines()[0]})") from error
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise DataError(f"{path}: lacks the column {', '.join(missing)}; its first line must name the columns")
    return table.fillna("")


def _points(values: object) -> npt.NDArray[np.float32] | None:
    try:
        points = np.asarray(values, dtype=np.float32).ravel()
    except (TypeError, ValueError):
        return None
    return points if points.size == LANDMARK_VALUES and bool(np.isfinite(points).all()) else None


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True


def _note(sidecars: Sidecars, path: Path, rows: list[str], what: str) -> None:
    if rows:
        sidecars.notes.append(f"{path}: {len(rows)} rows {what}, left out (first: {rows[0]})")
