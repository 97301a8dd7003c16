"""The regression set: pictures whose verdict was reported to be wrong, which a new model must not get wrong again."""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from unmask.config import Config
from unmask.data.manifest import read_manifest
from unmask.errors import DataError
from unmask.evaluation.predict import predict
from unmask.evaluation.reported import judge_reported
from unmask.models.detector import Detector
from unmask.serving.verdict import Thresholds, clip_logit

COLUMNS = ["sha256", "label", "note"]
LABELS = ("real", "fake")
MAX_BYTES = 16 * 2**20
SHA256 = re.compile(r"[0-9a-f]{64}")


def read_regression(path: Path) -> pd.DataFrame:
    """Read regression.csv: `sha256` of a file's original bytes, its right `label` (real or fake), and a free `note`.

    No file is an empty set.

    Raises:
        DataError: the file is larger than 16 MB or no CSV, lacks a column, or a row has an odd value or stands twice.
    """
    if not path.is_file():
        return pd.DataFrame(columns=COLUMNS)
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path}: larger than {MAX_BYTES} bytes; not a list of reported mistakes")
    try:
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeError) as error:
        raise DataError(f"{path}: can't be read as CSV ({error})") from None
    missing = [name for name in COLUMNS[:2] if name not in rows]
    if missing:
        raise DataError(f"{path}: lacks {', '.join(missing)}; its columns are {', '.join(COLUMNS)}")
    rows = rows.assign(sha256=rows["sha256"].str.strip().str.lower(), label=rows["label"].str.strip())
    for number, (sha256, label) in enumerate(zip(rows["sha256"], rows["label"], strict=True), start=2):
        if not SHA256.fullmatch(sha256):
            raise DataError(f"{path}: line {number}: {sha256[:80]!r} is no SHA-256; take it with `sha256sum FILE`")
        if label not in LABELS:
            raise DataError(f"{path}: line {number}: label {label[:80]!r} is neither real nor fake")
    if rows["sha256"].duplicated().any():
        raise DataError(f"{path}: {rows.loc[rows['sha256'].duplicated(), 'sha256'].iloc[0]} stands twice")
    return rows.reindex(columns=COLUMNS, fill_value="")


def score_regression(
    listed: pd.DataFrame,
    detector: Detector,
    dataset: Path,
    *,
    temperature: float,
    thresholds: Thresholds,
    config: Config,
) -> list[dict[str, Any]]:
    """One row a listed file, as `judge_reported` gives it.

    The files must be among the data, in any split; one that gave several crops (a clip's frames) has the mean of their
    log-odds. It passes unless its verdict is the wrong one: `uncertain` is none.
    """
    columns = ["raw_sha256", "key", "split"]
    manifest = read_manifest(dataset / "manifest.parquet", columns=columns)
    crops = manifest[manifest["raw_sha256"].isin(listed["sha256"])].reset_index(drop=True)
    if len(crops):
        scale, keys = config.scale, crops["key"].tolist()
        found = predict(detector, keys, dataset, device=scale.device, workers=scale.workers, what="reported mistakes")
        crops = crops.assign(logit=found.logit)
    files = {str(sha256): rows for sha256, rows in crops.groupby("raw_sha256")}
    return [
        _row(str(one.sha256), str(one.label), files.get(str(one.sha256)), temperature, thresholds)
        for one in listed.itertuples()
    ]


def _row(
    sha256: str, label: str, crops: pd.DataFrame | None, temperature: float, thresholds: Thresholds
) -> dict[str, Any]:
    splits = [] if crops is None else sorted(crops["split"].unique())
    logit = None if crops is None else clip_logit(crops["logit"])
    return judge_reported(sha256, label, splits=splits, logit=logit, temperature=temperature, thresholds=thresholds)
