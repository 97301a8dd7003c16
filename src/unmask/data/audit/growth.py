"""What changed since the version of the data that somebody accepted: rows by source and label.

The accepted numbers stand in data.baseline.json at the project's root, in git and among the gate's DVC dependencies, so
that the gate's result depends on files alone and not on what was built here before. `unmask accept` writes it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from unmask.errors import DataError
from unmask.files import read_json, write_json

MIN_ROWS = 20  # a change of fewer rows says little
Cells = Mapping[tuple[str, str], int]  # (source, label) -> rows


@dataclass(frozen=True)
class Change:
    """Rows of one source and label in the accepted version and now."""

    source: str
    label: str
    before: int
    now: int

    @property
    def relative(self) -> float:
        """Growth as a share of what was there before; negative where rows were lost."""
        return (self.now - self.before) / self.before

    def sentence(self) -> str:
        """The change for a person."""
        return f"{self.source}/{self.label}: {self.now:,} rows, {self.before:,} in the accepted version"


def count_cells(rows: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Rows by source and label."""
    return dict(Counter(zip(rows["source"], rows["label"], strict=True)))


def write_version(path: Path, cells: Cells) -> None:
    """Write the counts of a version."""
    rows = [{"source": source, "label": label, "rows": count} for (source, label), count in sorted(cells.items())]
    write_json(path, {"cells": rows})


def read_version(path: Path) -> dict[tuple[str, str], int]:
    """Read the counts of a version; empty where none was ever accepted.

    Raises:
        DataError: the file is missing or holds something else.
    """
    value = read_json(path)
    try:
        return {(str(cell["source"]), str(cell["label"])): _positive(cell["rows"]) for cell in value["cells"]}
    except (TypeError, KeyError, ValueError) as error:
        remedy = "restore it from git, or write it with `unmask accept`"
        raise DataError(f"{path}: not the counts of an accepted version ({error!r}); {remedy}") from None


def changes(before: Cells, now: Cells) -> list[Change]:
    """Changes of what the accepted version had at least MIN_ROWS of, in its order; what is new is no change."""
    return [Change(*cell, count, now.get(cell, 0)) for cell, count in before.items() if count >= MIN_ROWS]


def accept(validation: Path, baseline: Path) -> str:
    """Make the version that the gate saw last the one that later versions are held against; returns a summary line.

    Raises:
        DataError: the gate has not run.
    """
    cells = read_version(validation / "version.json")
    write_version(baseline, cells)
    return f"{sum(cells.values()):,} rows of {len({source for source, _ in cells})} sources accepted; commit {baseline}"


def _positive(value: Any) -> int:
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{value!r} is no number of rows")
    return value
