"""One side of a comparison: a candidate as the evaluate stage left it in a folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unmask.data.tables import read_table
from unmask.errors import DataError
from unmask.evaluation.reported import judge_reported
from unmask.evaluation.slices import References
from unmask.files import read_json
from unmask.serving.verdict import Thresholds, calibrate

FACTS = ["image_id", "split", "source", "generator", "label", "group", "domain", "seen", "clip"]
CLEAN = "clean"  # no tier but the same pictures as they are
OWN_REFERENCE, ANY_REFERENCE = "its source", "all sources"


@dataclass(frozen=True)
class Side:
    """A candidate's scores and what was measured of it.

    `test` has one row a test picture: `FACTS`, logit and p_fake. `tiers` has tier, image_id, logit and p_fake of
    degraded test pictures, and is None where none were scored. `regression` are the rows of regression.json; None where
    the folder has none. `bundle` is where the packaged candidate would lie.
    """

    name: str
    candidate: str
    test: pd.DataFrame
    thresholds: Thresholds
    temperature: float
    references: References
    fpr: Mapping[str, Any]
    tiers: pd.DataFrame | None
    regression: list[dict[str, Any]] | None
    bundle: Path


def read_side(folder: Path, *, candidate: str = "", name: str = "") -> Side:
    """Read an evaluation FOLDER; CANDIDATE defaults to the packaged one, whose rows stand first, NAME to the folder's.

    Raises:
        DataError: a file is missing or damaged, or does not know the candidate.
    """
    path = folder / "predictions.parquet"
    rows = read_table(path, ["candidate", "logit", *FACTS])
    known = list(rows["candidate"].unique())
    chosen = candidate or (known[0] if known else "")
    if chosen not in known:
        raise DataError(f"{path}: has no candidate {chosen!r}, only {', '.join(map(str, known)) or 'no row at all'}")
    thresholds, temperature = _calibration(folder / "calibration.json", chosen)
    measured = _of(folder / "slices.json", chosen)
    test = rows[(rows["candidate"] == chosen) & (rows["split"] == "test")].drop(columns="candidate")
    return Side(
        name=f"{name or folder} ({chosen})",
        candidate=chosen,
        test=_scored(test, path, chosen, temperature),
        thresholds=thresholds,
        temperature=temperature,
        references=_references(measured),
        fpr=_fpr(measured, folder / "slices.json"),
        tiers=_tiers(folder, chosen, temperature),
        regression=_regression(folder / "regression.json", chosen, temperature, thresholds),
        bundle=folder.parent / "package/bundle",
    )


def _calibration(path: Path, candidate: str) -> tuple[Thresholds, float]:
    value = _of(path, candidate)
    try:
        temperature = float(value["temperature"])
        return Thresholds.from_dict(value["thresholds"]), temperature
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: {candidate}: no number at {error}; run `dvc repro evaluate`") from None


def _of(path: Path, candidate: str) -> Any:
    value = read_json(path)
    if not isinstance(value, dict) or candidate not in value:
        raise DataError(f"{path}: has no {candidate!r}; run `dvc repro evaluate`")
    return value[candidate]


def _scored(rows: pd.DataFrame, path: Path, candidate: str, temperature: float) -> pd.DataFrame:
    """Rows by image_id with the calibrated probability."""
    odd = rows[~np.isfinite(rows["logit"].to_numpy(dtype=np.float64))]
    if len(odd):
        raise DataError(f"{path}: {candidate} scores {odd['image_id'].iloc[0]} {odd['logit'].iloc[0]}; train it again")
    keys = [name for name in ("tier", "image_id") if name in rows]
    if rows.duplicated(keys).any():
        twice = rows.loc[rows.duplicated(keys), "image_id"].iloc[0]
        raise DataError(f"{path}: {candidate} has {twice} twice; run `dvc repro evaluate`")
    return rows.assign(p_fake=calibrate(rows["logit"].to_numpy(dtype=np.float64), temperature)).reset_index(drop=True)


def _references(measured: Any) -> References:
    """Whose reals each generator was held against, where that is not its own source."""
    rows = [row for row in measured if row["kind"] == "generator" and row["level"] == "frame"]
    named = {(row["source"], row["generator"]): row["reference"] for row in rows}
    return {key: reference for key, reference in named.items() if reference not in {OWN_REFERENCE, ANY_REFERENCE}}


def _fpr(measured: Any, path: Path) -> Mapping[str, Any]:
    """The false-positive rate on all real test pictures, as measured."""
    for row in measured:
        if (row["kind"], row["name"], row["level"]) == ("overall", "all", "frame"):
            found: Mapping[str, Any] = row["metrics"].get("fpr", {})
            return found
    raise DataError(f"{path}: has no slice of all test pictures; run `dvc repro evaluate`")


def _tiers(folder: Path, candidate: str, temperature: float) -> pd.DataFrame | None:
    """Scores of the tiers alone: sweeps are curves for a reader and decide nothing."""
    path = folder / "tier_scores.parquet"
    if not path.is_file():
        return None
    tiers = {row["name"] for row in _of(folder / "tiers.json", candidate) if row["sweep"] is None} - {CLEAN}
    rows = read_table(path, ["candidate", "name", "image_id", "logit"]).rename(columns={"name": "tier"})
    chosen = rows[(rows["candidate"] == candidate) & rows["tier"].isin(tiers)]
    return _scored(chosen.drop(columns="candidate"), path, candidate, temperature)


def _regression(path: Path, candidate: str, temperature: float, thresholds: Thresholds) -> list[dict[str, Any]] | None:
    """The reported mistakes as this side's calibration judges them; it may be another than the scoring fitted."""
    if not path.is_file():
        return None
    try:
        return [
            judge_reported(
                row["sha256"],
                row["label"],
                splits=row["splits"],
                logit=row["logit"],
                temperature=temperature,
                thresholds=thresholds,
            )
            for row in _of(path, candidate)
        ]
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: {candidate}: a row has no {error}; run `dvc repro evaluate`") from None
