"""A window of served traffic: predictions of one model, from the service's log."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from unmask.monitoring.rows import Rows, watched_columns
from unmask.serving.traffic import TrafficRow, read_traffic

MOST = 20_000  # rows that are held at once; of a busier window requests are drawn at random


@dataclass(frozen=True)
class Window:
    """Predictions of pictures by the model that answered last, and how many rows were left aside, by reason.

    `rows` is None where no picture was asked; `damaged` counts lines of the log that could not be read.
    """

    start: datetime
    end: datetime
    rows: Rows | None
    model_version: str
    predictions: int
    other_models: int
    unmeasured: int
    damaged: int


def read_window(state: Path, start: datetime, end: datetime, *, most: int = MOST) -> Window:
    """Rows of predictions made from START to before END, both with a time zone; about MOST of them at most.

    Embeddings and scores of two models can't be compared, and without the pictures nothing can be scored anew, so
    that rows of earlier models are left aside; so are rows without quality features, which are of clips: the reference
    is of pictures.
    """
    traffic = read_traffic(state, start, end)
    counts: Counter[str] = Counter()
    unmeasured: Counter[str] = Counter()
    latest, version = start, ""
    for row in traffic:
        counts[row.model_version] += 1
        unmeasured[row.model_version] += row.quality is None
        if row.time >= latest:
            latest, version = row.time, row.model_version
    predictions = counts[version] - unmeasured[version]
    share = most / max(1, predictions)
    usable = (row for row in traffic if row.model_version == version and row.quality is not None)
    kept = [row for row in usable if _place(request_of(row.id)) < share]
    kept.sort(key=lambda row: (row.time, row.id))
    return Window(
        start=start,
        end=end,
        rows=rows_of_traffic(kept) if kept else None,
        model_version=version,
        predictions=predictions,
        other_models=counts.total() - counts[version],
        unmeasured=unmeasured[version],
        damaged=traffic.damaged,
    )


def rows_of_traffic(traffic: list[TrafficRow]) -> Rows:
    """Rows as the monitor compares them; pictures of one request belong together."""
    judged = [(row.probability, row.verdict, row.marginals, row.quality) for row in traffic]
    return Rows(
        np.array([row.id for row in traffic]),
        watched_columns(judged),
        np.stack([row.embedding for row in traffic]).astype(np.float64),
        np.array([request_of(row.id) for row in traffic]),
    )


def request_of(row_id: str) -> str:
    """The request that a row is of: its id is that of the request and a number."""
    return row_id.rpartition("-")[0] or row_id


def _place(request: str) -> float:
    """A number from 0 to 1 that is the request's own, so that the same window gives the same rows."""
    return int.from_bytes(hashlib.sha256(request.encode()).digest()[:6]) / 2**48
