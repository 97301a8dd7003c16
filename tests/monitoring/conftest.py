from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.datasets import row
from unmask.data.batches import INDEX_SCHEMA
from unmask.data.manifest import write_manifest
from unmask.data.tables import write_table, write_typed

LABELS = ("fake", "identity")


def write_batches(root: Path, sizes: dict[str, int], *, shift: float = 0.0) -> None:
    """Write data/, build/dataset and predictions of SIZES test rows a batch; embeddings of the last are shifted."""
    rng = np.random.default_rng(0)
    rows = []
    for sequence, (batch, size) in enumerate(sizes.items(), 1):
        index = dict.fromkeys(INDEX_SCHEMA.names, "")
        entry = {**index, "sequence": sequence, "landmarks": None, "bytes": 1, "batch": batch}
        write_typed(root / f"data/{batch}/index.parquet", pd.DataFrame([entry]), INDEX_SCHEMA)
        for _ in range(size):
            one = row(len(rows), label="real" if len(rows) % 2 else "fake", split="test", labelled=True)
            rows.append({**one, "batch": batch, "sharpness": rng.random(), "brightness": rng.random()})
    frame = pd.DataFrame(rows)
    write_manifest(root / "dataset/manifest.parquet", frame)
    embeddings = rng.normal(size=(len(frame), 6)) + shift * (frame["batch"] == list(sizes)[-1]).to_numpy()[:, None]
    scored = frame[["image_id", "split", "batch", "group"]].assign(
        candidate="student",
        p_fake=rng.random(len(frame)),
        verdict=rng.choice(["real", "fake", "uncertain"], len(frame)),
        marginals=list(rng.random((len(frame), len(LABELS)))),
        embedding=list(embeddings),
    )
    write_table(root / "predictions.parquet", scored)


@pytest.fixture(scope="session")
def make_batches() -> Callable[..., None]:
    return write_batches
