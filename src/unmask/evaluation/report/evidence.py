"""Reads a finished evaluation folder: all that the report shows, and nothing that is not in these files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from unmask.data.tables import read_table
from unmask.errors import DataError
from unmask.evaluation.record import Mistake, Run, read_run
from unmask.evaluation.report.numbers import NOTHING, Number, number
from unmask.files import read_json
from unmask.strict import read_dataclass

Row = dict[str, Any]
REMEDY = "run `dvc repro evaluate`"
PREDICTED = ["candidate", "split", "label", "group", "seen", "p_fake", "verdict"]
SLICE = ("kind", "name", "level", "n_real", "n_fake", "groups", "metrics")
GENERATOR = ("source", "generator", "seen", "reference", "n_real", "n_fake", "shortcut_auc")
TIER = ("name", "sweep", "x")


@dataclass(frozen=True)
class Evidence:
    """An evaluation as its files tell it; tables by candidate unless said otherwise.

    `test` are the test rows of all candidates; `tiers` and `coverage` are empty where they were not measured.
    """

    run: Run
    test: pd.DataFrame
    slices: Mapping[str, list[Row]]
    calibration: Mapping[str, Row]
    generators: Sequence[Row]
    explanations: Mapping[str, Row]
    gaps: Mapping[str, list[Row]]
    tiers: Mapping[str, list[Row]]
    mistakes: Mapping[str, list[Mistake]]
    roc: pd.DataFrame
    det: pd.DataFrame
    reliability: pd.DataFrame
    training: pd.DataFrame
    coverage: pd.DataFrame

    @property
    def candidates(self) -> list[str]:
        """Names, the packaged one first."""
        return self.run.candidates

    @property
    def packaged(self) -> str:
        """The candidate that is packaged."""
        return self.run.candidates[0]

    def of_kind(self, kind: str, level: str = "frame") -> list[Row]:
        """The packaged candidate's slices of a kind."""
        return [row for row in self.slices[self.packaged] if (row["kind"], row["level"]) == (kind, level)]

    def metric(self, candidate: str, metric: str, *, name: str, kind: str = "overall", level: str = "frame") -> Number:
        """One metric of a slice; without a value where the slice or the metric is missing."""
        row = self._index.get((candidate, kind, level, name))
        return number(row["metrics"].get(metric)) if row else NOTHING

    @cached_property
    def _index(self) -> Mapping[tuple[str, str, str, str], Row]:
        return {
            (candidate, row["kind"], row["level"], row["name"]): row
            for candidate, rows in self.slices.items()
            for row in rows
        }


def read_evidence(folder: Path) -> Evidence:
    """Read what evaluate wrote into FOLDER.

    Raises:
        DataError: a file is missing, damaged, or of another version; the message names it.
    """
    run = read_run(folder)
    predictions = read_table(folder / "predictions.parquet", PREDICTED)
    return Evidence(
        run=run,
        test=predictions[predictions["split"] == "test"],
        slices=_rows_by(folder / "slices.json", run.candidates, SLICE),
        calibration=_by_candidate(folder / "calibration.json", run.candidates),
        generators=_rows(folder / "generators.json", read_json(folder / "generators.json"), GENERATOR),
        explanations=_by_candidate(folder / "explanations.json", run.candidates),
        gaps=_rows_by(folder / "gaps.json", run.candidates, ("metric", "gap")),
        tiers=_optional_rows(folder / "tiers.json", run.candidates),
        mistakes=_mistakes(folder / "mistakes.json"),
        roc=_csv(folder / "roc.csv", ["fpr"]),
        det=_csv(folder / "det.csv", ["fpr"]),
        reliability=_csv(folder / "reliability.csv", ["p_fake"]),
        training=_csv(folder / "training.csv", ["candidate", "epoch"]),
        coverage=_optional_csv(folder / "coverage.csv", ["candidate", "coverage", "error", "low", "high"]),
    )


def _by_candidate(path: Path, candidates: Sequence[str]) -> dict[str, Row]:
    value = read_json(path)
    lacking = [name for name in candidates if not isinstance(value, dict) or not isinstance(value.get(name), dict)]
    if lacking:
        raise DataError(f"{path}: has no {lacking[0]!r}; {REMEDY}")
    return {name: value[name] for name in candidates}


def _rows_by(path: Path, candidates: Sequence[str], keys: Sequence[str]) -> dict[str, list[Row]]:
    value = read_json(path)
    lacking = [name for name in candidates if not isinstance(value, dict) or name not in value]
    if lacking:
        raise DataError(f"{path}: has no {lacking[0]!r}; {REMEDY}")
    return {name: _rows(path, value[name], keys) for name in candidates}


def _rows(path: Path, value: object, keys: Sequence[str]) -> list[Row]:
    if not isinstance(value, list):
        raise DataError(f"{path}: not a list of rows; {REMEDY}")
    for place, row in enumerate(value):
        lacking = [key for key in keys if not isinstance(row, dict) or key not in row]
        if lacking:
            raise DataError(f"{path}: row {place} has no {lacking[0]!r}; {REMEDY}")
    return value


def _optional_rows(path: Path, candidates: Sequence[str]) -> dict[str, list[Row]]:
    """Tiers of the candidates that have some."""
    if not path.is_file():
        return {}
    value = read_json(path)
    if not isinstance(value, dict):
        raise DataError(f"{path}: not tiers by candidate; {REMEDY}")
    return {name: _rows(path, value[name], TIER) for name in candidates if name in value}


def _mistakes(path: Path) -> dict[str, list[Mistake]]:
    value = read_json(path)
    try:
        return {label: list(_each_mistake(value[label])) for label in ("real", "fake")}
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: not the mistakes of this version ({error}); {REMEDY}") from None


def _each_mistake(rows: Sequence[object]) -> Iterator[Mistake]:
    for row in rows:
        yield read_dataclass(Mistake, row)


def _csv(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    if not path.is_file():
        raise DataError(f"{path}: missing; {REMEDY}")
    try:
        table = pd.read_csv(path, dtype={"candidate": str})
    except (ValueError, OSError) as error:
        raise DataError(f"{path}: can't be read as CSV ({error}); {REMEDY}") from None
    lacking = [name for name in columns if name not in table.columns]
    if lacking:
        raise DataError(f"{path}: has no column {lacking[0]!r}; {REMEDY}")
    return table


def _optional_csv(path: Path, columns: list[str]) -> pd.DataFrame:
    return _csv(path, columns) if path.is_file() else pd.DataFrame(columns=columns)
