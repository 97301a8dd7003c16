from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.datasets import row, write_dataset
from unmask.config import Drift
from unmask.data.batches import INDEX_SCHEMA
from unmask.data.tables import write_table, write_typed
from unmask.monitoring.reference import Reference, write_reference
from unmask.monitoring.rows import QUALITY, Rows
from unmask.serving.picture_quality import Quality
from unmask.serving.traffic import FOLDER, TrafficRow, file_name

VERSION, OTHER = "0123456789ab", "ba9876543210"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
WIDE = 16


def rows(count: int, *, seed: int = 0, shift: float = 0.0, to_a_group: int = 1, prefix: str = "r") -> Rows:
    """Rows that differ between groups more than within; SHIFT moves embeddings and `sharpness`."""
    rng = np.random.default_rng(seed)
    group = np.arange(count) // to_a_group
    drawn = rng.normal(size=(count, WIDE + 2))
    if to_a_group > 1:
        drawn = (drawn + rng.normal(size=(group[-1] + 1, WIDE + 2))[group]) / np.sqrt(2)
    drawn = drawn.astype(np.float32).astype(np.float64)
    quality = {name: np.full(count, 90.0) for name in QUALITY}
    columns = pd.DataFrame(
        quality
        | {
            "sharpness": drawn[:, -1] + shift,
            "p_fake": 1 / (1 + np.exp(-drawn[:, -2])),
            "uncertain": (np.abs(drawn[:, -2]) < 0.5).astype(float),
            "P(fake)": 1 / (1 + np.exp(-drawn[:, -2])),
        }
    )
    names = np.array([f"{prefix}{number}" for number in group])
    ids = np.array([f"{prefix}{number}-0" for number in range(count)])
    return Rows(ids, columns, drawn[:, :WIDE] + shift, names)


def traffic_row(number: int, *, shift: float = 0.0, version: str = VERSION, **other: Any) -> TrafficRow:
    """A row of the log, a second after the one before it, as `rows` draws them."""
    drawn = rows(1, seed=number + 10_000, shift=shift)
    values = drawn.columns.iloc[0]
    quality = Quality(values["sharpness"], 90.0, 90, 90, 90, 90.0)
    return TrafficRow(
        **{
            "id": f"request{number}-0",
            "time": NOON - timedelta(hours=1) + timedelta(seconds=number),
            "route": "/predict",
            "model_version": version,
            "data_hash": "d",
            "probability": values["p_fake"],
            "logit": 0.0,
            "verdict": "uncertain" if values["uncertain"] else "real",
            "marginals": {"fake": values["p_fake"]},
            "quality": quality,
            "embedding": drawn.embeddings[0].astype(np.float16),
            **other,
        }
    )


def write_traffic(state: Path, logged: list[TrafficRow], further: str = "") -> None:
    path = state / FOLDER / file_name(NOON.date(), "0" * 8, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{each.to_json()}\n" for each in logged) + further)


def write_kept(path: Path, *, version: str = VERSION, count: int = 240) -> None:
    """A reference whose rows are grouped by three."""
    write_reference(path, Reference(rows(count, to_a_group=3), version, "d"))


def write_build(root: Path, sizes: dict[str, int]) -> None:
    """Write data/, build/dataset and build/evaluation/predictions.parquet of SIZES test rows a batch."""
    found = []
    for sequence, (batch, size) in enumerate(sizes.items(), 1):
        entry = {**dict.fromkeys(INDEX_SCHEMA.names, ""), "sequence": sequence, "landmarks": None, "bytes": 1}
        write_typed(root / f"data/{batch}/index.parquet", pd.DataFrame([{**entry, "batch": batch}]), INDEX_SCHEMA)
        for _ in range(size):
            one = row(len(found), label="real" if len(found) % 2 else "fake", split="test", labelled=True)
            found.append({**one, "batch": batch})
    write_dataset(root / "build", found, lambda index, _: np.full((24, 24, 3), index % 256, dtype=np.uint8))
    judged = pd.DataFrame(found)[["image_id", "split", "batch", "generator"]]
    judged = judged.assign(candidate="student", seen=np.arange(len(judged)) % 4 != 0)
    write_table(root / "build/evaluation/predictions.parquet", judged)


@pytest.fixture(scope="session")
def settings() -> Drift:
    return Drift(max_rows=400, min_rows=50, level=0.02, min_moved=0.03, permutations=199, keep_reports=2)


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., Rows]:
    return rows


@pytest.fixture(scope="session")
def make_traffic() -> Callable[..., TrafficRow]:
    return traffic_row


@pytest.fixture(scope="session")
def log_traffic() -> Callable[..., None]:
    return write_traffic


@pytest.fixture(scope="session")
def keep() -> Callable[..., None]:
    return write_kept


@pytest.fixture(scope="session")
def make_build() -> Callable[..., None]:
    return write_build


@pytest.fixture(scope="session")
def noon() -> datetime:
    return NOON


@pytest.fixture
def without_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidently takes seconds to import; what it writes is tested once, in test_report.py."""
    import sys
    from types import ModuleType

    stand_in = ModuleType("unmask.monitoring.report")
    stand_in.write_report = lambda summary, sides, page: (
        page.parent.mkdir(parents=True, exist_ok=True) or (page.write_text(str(summary)))
    )
    monkeypatch.setitem(sys.modules, "unmask.monitoring.report", stand_in)
