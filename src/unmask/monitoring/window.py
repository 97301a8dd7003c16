"""A window of served traffic: predictions of one model, from the service's log."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from unmask.monitoring.rows import Rows, watched_columns
from unmask.serving.traffic import TrafficRow, read_traffic


@dataclass(frozen=True)
class Window:
    """Predictions of the model that answered last, and how many rows were left aside for being of another one.

    `rows` is None where nothing was asked; `damaged` counts lines of the log that could not be read.
    """

    start: datetime
    end: datetime
    rows: Rows | None
    model_version: str
    requests: int
    other_models: int
    damaged: int


def read_window(state: Path, start: datetime, end: datetime) -> Window:
    """Rows of predictions made from START to before END, both with a time zone.

    Embeddings and scores of two models can't be compared, and without the pictures nothing can be scored anew, so
    that rows of earlier models are left aside.
    """
    traffic = read_traffic(state, start, end)
    found = sorted(traffic, key=lambda row: (row.time, row.id))
    version = found[-1].model_version if found else ""
    own = [row for row in found if row.model_version == version]
    return Window(
        start=start,
        end=end,
        rows=rows_of_traffic(own) if own else None,
        model_version=version,
        requests=len(Counter(request_of(row.id) for row in own)),
        other_models=len(found) - len(own),
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
