"""What the report needs beside the numbers: run.json (what was measured, and what stays unknown) and plot data."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from unmask.errors import DataError
from unmask.evaluation.measure import Candidate, found_at
from unmask.files import read_json, replacing, write_json
from unmask.strict import read_dataclass

RUN = "run.json"
SCHEMA = 1
CURVES = ["candidate", "epoch", "loss", "validation_auc"]  # columns of training.csv
DET_POINTS, DET_HIGHEST = 121, 0.6  # beyond that rate no threshold is of use
COUNTED = ("real", "fake", "unlabelled")


@dataclass(frozen=True)
class Source:
    """Crops of one source by label, the groups they fall into, and how many of them are test crops."""

    name: str
    real: int
    fake: int
    unlabelled: int
    groups: int
    test: int


@dataclass(frozen=True)
class Run:
    """What an evaluation measured: candidates (the packaged one first), hashes, remarks for the reader.

    `shortcut` has the pooled AUC of file statistics, alone and `with_chroma`; `models` maps each candidate to the
    SHA-256 of its weights; `unknown` are sentences, the weightiest first.
    """

    schema: int
    candidates: list[str]
    note: str
    confidence: float
    bootstrap: int
    shortcut: dict[str, Any]
    failed_soft: list[str]
    unknown: list[str]
    data_md5: str
    sources: list[Source]
    params_sha: str
    method: str
    seed: int
    revision: str
    models: dict[str, str]


@dataclass(frozen=True)
class Mistake:
    """One test picture: what it is, what was said of it, the crop that was judged and its map (JPEG as base64)."""

    image_id: str
    label: str
    source: str
    generator: str
    p_fake: float
    verdict: str
    sentence: str
    picture: str
    overlay: str


def write_run(folder: Path, run: Run) -> None:
    """Write FOLDER/run.json."""
    write_json(folder / RUN, dataclasses.asdict(run))


def read_run(folder: Path) -> Run:
    """Read FOLDER/run.json.

    Raises:
        DataError: it is missing or not what this version writes.
    """
    path, remedy = folder / RUN, "run `dvc repro evaluate`"
    if not path.is_file():
        raise DataError(f"{path}: missing, so {folder} is no finished evaluation; {remedy}")
    value = read_json(path)
    found = value.get("schema") if isinstance(value, dict) else None
    if found != SCHEMA:
        raise DataError(f"{path}: schema {found!r} instead of {SCHEMA}; {remedy}")
    try:
        run = read_dataclass(Run, value)
    except ValueError as error:
        raise DataError(f"{path}: {error}; {remedy}") from None
    if not run.candidates:
        raise DataError(f"{path}: candidates: empty; {remedy}")
    return run


def sources_of(manifest: pd.DataFrame) -> list[Source]:
    """Count what each source holds."""
    found = []
    for name, rows in manifest.groupby("source", sort=True):
        counts = {label: int((rows["label"] == label).sum()) for label in COUNTED}
        test = int((rows["split"] == "test").sum())
        found.append(Source(name=str(name), groups=int(rows["group"].nunique()), test=test, **counts))
    return found


def write_mistakes(path: Path, mistakes: Mapping[str, Sequence[Mistake]]) -> None:
    """Write them for the report."""
    write_json(path, {label: [dataclasses.asdict(one) for one in listed] for label, listed in mistakes.items()})


def training_table(histories: Mapping[str, Path]) -> pd.DataFrame:
    """Loss and validation AUC of each epoch of each candidate, from its history.csv where there is one."""
    parts = []
    for name, path in histories.items():
        if path.is_file() and path.stat().st_size > 1:
            history = pd.read_csv(path)
            parts.append(history.assign(candidate=name).reindex(columns=CURVES))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=CURVES)


def det_table(candidates: Sequence[Candidate]) -> pd.DataFrame:
    """Detection error trade-off: miss rate of each candidate on seen and unseen generators (Martin et al. 1997).

    The false-positive rates are a grid of equal steps in normal deviates, from one test real to DET_HIGHEST.
    """
    reals = candidates[0].scored().n_real
    grid = norm.cdf(np.linspace(norm.ppf(max(1 / max(reals, 2), 1e-4)), norm.ppf(DET_HIGHEST), DET_POINTS))
    found = found_at(candidates, grid).set_index("fpr")
    return (1 - found).round(5).reset_index().assign(fpr=grid.round(6))


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table for `dvc plots` and spreadsheets."""
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False)
