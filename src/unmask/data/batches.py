"""What `data/` holds: batches in their order of arrival, their indexes and quarantine lists."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from unmask.data.tables import read_typed
from unmask.errors import DataError

INDEX_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),  # shard-0000.zip/<raw_sha256>.<ext>, below the batch's folder
        pa.field("raw_sha256", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("generator", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),  # below its source's folder, as it was found
        pa.field("batch", pa.string(), nullable=False),
        pa.field("sequence", pa.int32(), nullable=False),  # order of arrival of the batch, from 1
        pa.field("first_seen", pa.string(), nullable=False),
        pa.field("clip", pa.string(), nullable=False),
        pa.field("group_hint", pa.string(), nullable=False),
        pa.field("pair_sha256", pa.string(), nullable=False),
        pa.field("mask_key", pa.string(), nullable=False),
        pa.field("landmarks", pa.list_(pa.float32())),
        pa.field("attributes", pa.string(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
    ]
)
QUARANTINE_SCHEMA = pa.schema([pa.field(name, pa.string(), nullable=False) for name in ("path", "source", "reason")])
_REMEDY = "restore data/ with `dvc checkout data.dvc` (`dvc pull -r sample data.dvc` for the sample)"


@dataclass(frozen=True)
class Batch:
    """One batch below data/; `sequence` is its place in the order of arrival."""

    folder: Path
    sequence: int

    @property
    def name(self) -> str:
        """The batch's name, which is its folder's."""
        return self.folder.name


def list_batches(data: Path) -> list[Batch]:
    """Batches of DATA in their order of arrival; folders whose name starts with a dot are unfinished.

    Raises:
        DataError: a batch has no readable index.
    """
    if not data.is_dir():
        return []
    folders = sorted(child for child in data.iterdir() if child.is_dir() and not child.name.startswith("."))
    batches = [Batch(folder, _sequence(folder)) for folder in folders]
    return sorted(batches, key=lambda batch: (batch.sequence, batch.name))


def read_index(batch: Batch, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a batch's index.

    Raises:
        DataError: it is missing, damaged or not what INDEX_SCHEMA says.
    """
    return read_typed(batch.folder / "index.parquet", INDEX_SCHEMA, columns, remedy=_REMEDY)


def read_quarantine(batch: Batch) -> pd.DataFrame:
    """Read a batch's quarantine list: path, source, reason.

    Raises:
        DataError: it is missing or damaged.
    """
    return read_typed(batch.folder / "quarantine.parquet", QUARANTINE_SCHEMA, remedy=_REMEDY)


def _sequence(folder: Path) -> int:
    path = folder / "index.parquet"
    column = read_typed(path, INDEX_SCHEMA, ["sequence"], remedy=_REMEDY)["sequence"]
    if column.nunique() > 1:
        raise DataError(f"{path}: a batch has one place in the order of arrival, this one {column.nunique()}")
    return int(column.iloc[0]) if len(column) else 0
