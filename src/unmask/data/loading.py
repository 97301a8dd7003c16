"""Decoded crops for training, with exactly what the trainer may know of each."""

import math
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from unmask.console import track
from unmask.data.decode import decode_image
from unmask.data.manifest import FEEDBACK_SOURCE, UNKNOWN_DOMAIN, read_manifest
from unmask.data.preprocess import Pixels, PreprocessSpec, window
from unmask.data.shards import ShardReader
from unmask.data.tables import read_table
from unmask.errors import DataError

HIDDEN = "unlabelled"
SCRATCH = Path("var/scratch")


@dataclass(frozen=True)
class Crops:
    """Decoded crops and their visible labels.

    Shapes: windows (N, 3, W, W) uint8; target and known (N, n) float, known 0 where a label is masked or
    hidden; real, fake (N,) bool, both False without a visible label; reported (N,) bool, of those the ones that users
    labelled; group and domain (N,) int64, the latter -1 where unknown.
    """

    image_id: list[str]
    windows: Tensor
    target: Tensor
    known: Tensor
    real: Tensor
    fake: Tensor
    reported: Tensor
    domain: Tensor
    group: Tensor

    def __len__(self) -> int:
        return len(self.image_id)


def visible(manifest: pd.DataFrame) -> pd.DataFrame:
    """Blank label, generator and origin of every row whose label is hidden: the one place where hiding happens."""
    rows = manifest.copy()
    hidden = ~rows["labelled"].to_numpy(dtype=bool)
    rows.loc[hidden, "label"] = HIDDEN
    rows.loc[hidden, ["generator", "forged_from", "mask_key"]] = ""
    return rows


def training_rows(dataset: Path, expanded: Path) -> pd.DataFrame:
    """Rows of the train split with hidden labels blanked, then the generated ones; `root` names their folder.

    `reported` marks the labels that users gave.
    """
    rows = _told(visible(read_manifest(dataset / "manifest.parquet"))).assign(root=str(dataset))
    # Forgeries of reported reals are not what users reported.
    made = read_manifest(expanded / "manifest.parquet").assign(reported=False, root=str(expanded))
    # Generated rows may be none at all, and concat would then warn about all-empty columns.
    parts = [part for part in (rows[rows["split"] == "train"], made) if len(part)]
    if not parts:
        raise DataError(f"{dataset}/manifest.parquet: no row in the train split; see `unmask ingest --help`")
    return pd.concat(parts, ignore_index=True)


def validation_rows(dataset: Path) -> pd.DataFrame:
    """Labelled rows of the val split."""
    rows = read_manifest(dataset / "manifest.parquet")
    chosen = (rows["split"] == "val") & rows["labelled"].astype(bool)
    return _told(rows[chosen]).assign(root=str(dataset)).reset_index(drop=True)


def _told(rows: pd.DataFrame) -> pd.DataFrame:
    """Mark the rows whose label is visible and came from users."""
    return rows.assign(reported=(rows["source"] == FEEDBACK_SOURCE) & (rows["label"] != HIDDEN))


def load_crops(rows: pd.DataFrame, labels: Path, spec: PreprocessSpec, what: str, *, memory_gb: float) -> Crops:
    """Decode rows to windows and join their label vectors from labels.parquet.

    Windows of more than MEMORY_GB (1e9 bytes) together are decoded into a scratch file and mapped from there.

    Raises:
        DataError: a shard is damaged or a labelled row has no label vector.
        OSError: the scratch file has no room.
    """
    target, known = _label_vectors(rows, labels)
    # Channels first from the start: turning them round afterwards would need the memory twice.
    windows = reserve((len(rows), 3, spec.window_px, spec.window_px), memory_gb)
    _decode(rows, spec, what, windows)
    return Crops(
        image_id=rows["image_id"].tolist(),
        windows=torch.from_numpy(windows),
        target=target,
        known=known,
        real=torch.from_numpy((rows["label"] == "real").to_numpy(dtype=bool, copy=True)),
        fake=torch.from_numpy((rows["label"] == "fake").to_numpy(dtype=bool, copy=True)),
        reported=torch.from_numpy(rows["reported"].to_numpy(dtype=bool, copy=True)),
        domain=_codes(rows["domain"].where(rows["domain"] != UNKNOWN_DOMAIN)),
        group=_codes(rows["group"]),
    )


def _codes(column: pd.Series) -> Tensor:
    """Numbers from 0, -1 where there is no value."""
    # Sorted categories, so that a code does not depend on the order of rows.
    codes = pd.Categorical(column, categories=sorted(column.dropna().unique())).codes
    return torch.from_numpy(np.asarray(codes, dtype=np.int64))


def _label_vectors(rows: pd.DataFrame, labels: Path) -> tuple[Tensor, Tensor]:
    table = read_table(labels).set_index("image_id")
    width = len(table["target"].iloc[0]) if len(table) else 1
    target = np.zeros((len(rows), width), dtype=np.float32)
    known = np.zeros((len(rows), width), dtype=np.float32)
    seen = np.flatnonzero((rows["label"] != HIDDEN).to_numpy())
    found = table.index.get_indexer(pd.Index(rows["image_id"].iloc[seen]))
    if (found < 0).any():
        lost = rows["image_id"].iloc[int(seen[int(np.argmax(found < 0))])]
        raise DataError(f"{labels}: no label vector for {lost}; run `dvc repro expand`")
    if len(seen):
        target[seen] = np.stack(table["target"].to_numpy()[found].tolist())
        known[seen] = np.stack(table["target_mask"].to_numpy()[found].tolist())
    return torch.from_numpy(target), torch.from_numpy(known)


def reserve(shape: tuple[int, ...], memory_gb: float) -> Pixels:
    """Bytes to fill: in memory, or, if more than MEMORY_GB, mapped from a file that has no name and so leaves nothing.

    The system's page cache keeps of the file what memory allows and reads the rest when it is looked at.

    Raises:
        OSError: the file has no room; without the reservation a later write would end the process.
    """
    size = math.prod(shape)
    if size <= memory_gb * 1e9:
        return np.empty(shape, dtype=np.uint8)
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=SCRATCH) as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"{size / 1e9:.1f} GB of crops to {SCRATCH}") from error
        return np.memmap(file, dtype=np.uint8, mode="r+", shape=shape)


def _decode(rows: pd.DataFrame, spec: PreprocessSpec, what: str, windows: Pixels) -> None:
    readers = {root: ShardReader(Path(root)) for root in rows["root"].unique()}

    def one(index: int, root: str, key: str) -> None:
        windows[index] = window(decode_image(readers[root].read(key)), spec).transpose(2, 0, 1)

    with ThreadPoolExecutor() as pool:
        for _ in track(pool.map(one, range(len(rows)), rows["root"], rows["key"]), what, total=len(rows)):
            pass


def balanced_order(crops: Crops, *, seed: int, epoch: int) -> Iterator[tuple[int, int]]:
    """Yield (real, fake) index pairs, each class in a fresh order, the smaller one repeated."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    real, fake = (torch.nonzero(flag).flatten() for flag in (crops.real, crops.fake))
    if not len(real) or not len(fake):
        raise DataError("training needs labelled reals and fakes; raise assemble.labelled_fraction or add labels")
    length = max(len(real), len(fake))
    orders = []
    for indices in (real, fake):
        rounds = -(-length // len(indices))
        whole = torch.cat([indices[torch.randperm(len(indices), generator=generator)] for _ in range(rounds)])
        orders.append(whole[:length].tolist())
    yield from zip(*orders, strict=True)
