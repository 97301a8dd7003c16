"""Finished cells on disk: a JSON of what was run and a table of scores beside it, the JSON last."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from unmask.data.tables import read_table, write_table
from unmask.errors import DataError
from unmask.files import read_json, write_json

Scores = dict[tuple[str, str, int], pd.DataFrame]


@dataclass(frozen=True, kw_only=True)
class Result:
    """One finished cell.

    `data` and `code` are hashes, `overrides` those of params.yaml, `validation` the AUC of each model there, by which
    `chosen` was chosen.
    """

    key: str
    protocol: str
    preset: str
    fold: int
    data: str
    code: str
    overrides: list[str]
    shortcut: dict[str, dict[str, float | None]]
    budget: float
    passes: int
    epochs: dict[str, int]
    seconds: dict[str, float]
    validation: dict[str, float | None]
    chosen: str
    thresholds: dict[str, float]

    @property
    def total_seconds(self) -> float:
        """Wall time of all stages."""
        return sum(self.seconds.values())


def result_path(out: Path, protocol: str, preset: str, fold: int) -> Path:
    """Where a cell's JSON lies; its scores have the same name and .parquet."""
    return out / protocol / f"{preset}-{fold}.json"


def write_result(out: Path, result: Result, rows: pd.DataFrame) -> None:
    """Write scores, then the JSON that says the cell is finished."""
    path = result_path(out, result.protocol, result.preset, result.fold)
    write_table(path.with_suffix(".parquet"), rows)
    write_json(path, dataclasses.asdict(result))


def finished(path: Path, key: str) -> bool:
    """Whether a cell stands with exactly this key."""
    return path.is_file() and path.with_suffix(".parquet").is_file() and read_json(path).get("key") == key


def read_results(out: Path) -> list[Result]:
    """Every finished cell below OUT.

    Raises:
        DataError: there is none, a file is not a cell's, or cells of one protocol differ in what must be alike.
    """
    results = []
    for path in sorted(out.glob("*/*.json")):
        try:
            results.append(Result(**read_json(path)))
        except TypeError as error:
            raise DataError(f"{path}: not a cell of this version ({error}); delete it and run again") from None
    if not results:
        raise DataError(f"{out}: no finished cell; run `python -m benchmarks.methods` first")
    for protocol in {result.protocol for result in results}:
        same = [result for result in results if result.protocol == protocol]
        for what in ("data", "code", "budget", "overrides"):
            if len({str(getattr(result, what)) for result in same}) > 1:
                raise DataError(f"{out / protocol}: its cells differ in {what}; run again, or delete the old ones")
    return results


def read_scores(out: Path, result: Result) -> pd.DataFrame:
    """A cell's scored rows, the chosen model's log-odds as `logit`."""
    path = result_path(out, result.protocol, result.preset, result.fold).with_suffix(".parquet")
    rows = read_table(path)
    return rows.assign(logit=rows[result.chosen])
