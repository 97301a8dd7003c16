"""Held-out rows of the data as the packaged model scores them: the reference, and the newest batch against the rest."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from unmask.console import track
from unmask.data.batches import list_batches
from unmask.data.decode import decode_image
from unmask.data.manifest import read_manifest
from unmask.data.preprocess import Pixels
from unmask.data.shards import ShardReader
from unmask.data.tables import read_table
from unmask.errors import DataError
from unmask.monitoring.rows import Rows, watched_columns
from unmask.serving.picture_quality import Quality
from unmask.serving.runtime import BATCH, Answer, Runtime
from unmask.serving.traffic import project

FROM_PREDICTIONS = ["candidate", "image_id", "split", "batch", "seen"]
FROM_MANIFEST = ["image_id", "key", "group", "sharpness", "brightness", "picture_width", "picture_height"]
FROM_MANIFEST += ["jpeg_quality", "bytes"]


@dataclass(frozen=True)
class HeldOut:
    """Validation and test rows: what the manifest says of them, and of which batches they are, oldest first."""

    table: pd.DataFrame
    batches: list[str]

    def of_known_generators(self) -> pd.DataFrame:
        """Photographs and fakes of generators that the model has learned from; what else comes is news."""
        return self.table[self.table["seen"]]


def read_heldout(*, data: Path, dataset: Path, predictions: Path, candidate: str) -> HeldOut:
    """Labelled rows on which no model has trained, by id.

    Raises:
        DataError: an input is missing or damaged, or has no rows of the candidate.
    """
    judged = read_table(predictions, FROM_PREDICTIONS)
    judged = judged[(judged["candidate"] == candidate) & judged["split"].isin(["val", "test"])]
    if not len(judged):
        raise DataError(f"{predictions}: no validation or test rows of {candidate}; run `dvc repro evaluate`")
    facts = read_manifest(dataset / "manifest.parquet", FROM_MANIFEST)
    table = judged.merge(facts, on="image_id", how="inner", validate="one_to_one").sort_values("image_id")
    present = set(table["batch"])
    batches = [batch.name for batch in list_batches(data) if batch.name in present]
    if not batches:
        raise DataError(f"{data}: holds no batch of the rows that were scored; run `dvc checkout`")
    return HeldOut(table.reset_index(drop=True), batches)


def some_groups(table: pd.DataFrame, count: int, *, seed: int) -> pd.DataFrame:
    """Whole groups of a table at random, at most COUNT rows."""
    if len(table) <= count:
        return table
    sizes = table.groupby("group").size().sample(frac=1.0, random_state=seed)
    return table[table["group"].isin(sizes.index[sizes.cumsum() <= count])]


def score_rows(table: pd.DataFrame, runtime: Runtime, dataset: Path, *, workers: int) -> Rows:
    """Rows of a table as the service would log them, scored by the packaged model in the numbers it is served in.

    Raises:
        DataError: a shard is damaged or a crop does not decode.
    """
    reader = ShardReader(dataset)

    def load(key: str) -> Pixels:
        return runtime.prepare(decode_image(reader.read(key)))

    answers: list[Answer] = []
    keys = table["key"].tolist()
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for start in track(range(0, len(keys), BATCH), "reference"):
            answers += runtime.predict_crops(np.stack(list(pool.map(load, keys[start : start + BATCH]))))
    return rows_of(table, answers)


def rows_of(table: pd.DataFrame, answers: Sequence[Answer]) -> Rows:
    """Rows from what the manifest says of pictures and what a model answered."""
    judged = [
        (answer.p_fake, answer.verdict, answer.attributes, quality)
        for answer, quality in zip(answers, qualities(table), strict=True)
    ]
    embeddings = np.stack([project(answer.embedding) for answer in answers]).astype(np.float64)
    ids, groups = (table[name].to_numpy(dtype=str) for name in ("image_id", "group"))
    return Rows(ids, watched_columns(judged), embeddings, groups)


def qualities(table: pd.DataFrame) -> list[Quality]:
    """Quality features of the pictures, as the service measures them."""
    return [
        Quality(
            sharpness=row["sharpness"],
            brightness=row["brightness"],
            picture_width=row["picture_width"],
            picture_height=row["picture_height"],
            jpeg_quality=row["jpeg_quality"],
            bytes_per_px=row["bytes"] / max(1, row["picture_width"] * row["picture_height"]),
        )
        for row in table.to_dict("records")
    ]
