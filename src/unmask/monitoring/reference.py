"""What is compared with what: rows of earlier batches against the newest one, alike in kind."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unmask.data.batches import list_batches
from unmask.data.manifest import read_manifest
from unmask.data.tables import read_table
from unmask.errors import DataError

QUALITY = ("sharpness", "brightness", "picture_width", "picture_height", "jpeg_quality", "bytes_per_px")
SCORES = ("p_fake", "uncertain")
MIN_ROWS = 20
FROM_PREDICTIONS = ["candidate", "image_id", "split", "batch", "group", "p_fake", "verdict", "marginals", "embedding"]
FROM_MANIFEST = ["image_id", "sharpness", "brightness", "picture_width", "picture_height", "jpeg_quality", "bytes"]


@dataclass(frozen=True)
class Side:
    """Rows of one side: a table of columns to watch, embeddings (n, d), groups (n,)."""

    columns: pd.DataFrame
    embeddings: NDArray[np.float64]
    groups: NDArray[np.str_]


@dataclass(frozen=True)
class Comparison:
    """Reference and current side; `watched` are the columns to test, `newest` is the current batch."""

    reference: Side
    current: Side
    watched: tuple[str, ...]
    newest: str
    what: str


def choose_sides(
    *,
    data: Path,
    dataset: Path,
    predictions: Path,
    candidate: str,
    label_names: tuple[str, ...],
    max_rows: int,
    seed: int,
) -> Comparison | str:
    """Scored rows of the newest batch and of all earlier ones, at most MAX_ROWS each; or why there is no comparison.

    Only validation and test rows have scores of a model that did not train on them, so both sides consist of such.

    Raises:
        DataError: an input is missing or damaged, or has no rows of the candidate.
    """
    scored = read_table(predictions, FROM_PREDICTIONS)
    scored = scored[(scored["candidate"] == candidate) & scored["split"].isin(["val", "test"])]
    if not len(scored):
        raise DataError(f"{predictions}: no validation or test rows of {candidate}; run `dvc repro evaluate`")
    order = [batch.name for batch in list_batches(data) if batch.name in set(scored["batch"])]
    if len(order) < 2:
        return f"only one batch has scored rows ({', '.join(order) or 'none'}); ingest another to compare"
    newest = order[-1]
    facts = read_manifest(dataset / "manifest.parquet", FROM_MANIFEST)
    table = scored.merge(facts, on="image_id", how="inner", validate="one_to_one").sort_values("image_id")
    sides = [table[(table["batch"] == newest) == is_current] for is_current in (False, True)]
    if min(map(len, sides)) < MIN_ROWS:
        few = f"batch {newest} has {len(sides[1])} scored rows and the earlier ones {len(sides[0])}"
        return f"{few}; {MIN_ROWS} are needed"
    reference, current = (_side(side, label_names, max_rows, seed) for side in sides)
    return Comparison(
        reference=reference,
        current=current,
        watched=tuple(reference.columns.columns),
        newest=newest,
        what=f"validation and test rows of batch {newest} against those of {', '.join(order[:-1])}",
    )


def _side(rows: pd.DataFrame, label_names: tuple[str, ...], max_rows: int, seed: int) -> Side:
    if len(rows) > max_rows:
        rows = rows.sample(max_rows, random_state=seed).sort_values("image_id")
    area = rows["picture_width"].astype(float) * rows["picture_height"]
    columns = rows.assign(
        bytes_per_px=rows["bytes"] / area.clip(lower=1.0),
        uncertain=np.where(rows["verdict"] == "uncertain", "yes", "no"),
    )[[*QUALITY, *SCORES]].reset_index(drop=True)
    marginals = np.stack(rows["marginals"].tolist()).astype(np.float64)
    for index, name in enumerate(label_names[: marginals.shape[1]]):
        columns[f"P({name})"] = marginals[:, index]
    embeddings = np.stack(rows["embedding"].tolist()).astype(np.float64)
    return Side(columns, embeddings, rows["group"].to_numpy(dtype=str))
