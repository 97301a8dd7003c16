"""A hidden label never reaches the trainer, and batches are balanced and repeatable."""

import errno
import os
from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.datasets import noise, row, write_dataset
from unmask.console import describe
from unmask.data.loading import (
    SCRATCH,
    Crops,
    balanced_order,
    load_crops,
    reserve,
    training_rows,
    validation_rows,
)
from unmask.data.manifest import UNKNOWN_DOMAIN
from unmask.data.preprocess import PreprocessSpec
from unmask.data.tables import write_table
from unmask.errors import DataError

SPEC = PreprocessSpec(size_px=16, window_px=20, shrink=True)


def mixed_rows() -> list[dict]:
    rows = [row(n, label="real" if n % 2 else "fake", split="train", labelled=n < 6) for n in range(12)]
    rows += [row(n, label="unlabelled", split="train", labelled=False) for n in range(12, 16)]
    return rows + [row(n, label="real" if n % 2 else "fake", split="val", labelled=True) for n in range(16, 20)]


def load(dataset: Path, expanded: Path, memory_gb: float = 1.0) -> Crops:
    rows = training_rows(dataset, expanded)
    return load_crops(rows, expanded / "labels.parquet", SPEC, "decoding", memory_gb=memory_gb)


def test_flipping_every_hidden_label_changes_nothing_the_trainer_gets(tmp_path: Path) -> None:
    rows = mixed_rows()
    flipped = [dict(each) for each in rows]
    for each in flipped:
        if each["split"] == "train" and not each["labelled"] and each["label"] != "unlabelled":
            each["label"] = "fake" if each["label"] == "real" else "real"
            each["generator"] = "another"
    first = load(*write_dataset(tmp_path / "a", rows, noise))
    second = load(*write_dataset(tmp_path / "b", flipped, noise))
    assert first.image_id == second.image_id
    for name in ("windows", "target", "known", "real", "fake", "domain", "group"):
        assert torch.equal(getattr(first, name), getattr(second, name)), name


def test_only_visible_training_labels_count(tmp_path: Path) -> None:
    crops = load(*write_dataset(tmp_path, mixed_rows(), noise))
    assert int(crops.real.sum()) == 3
    assert int(crops.fake.sum()) == 3
    assert float(crops.known.sum()) == 6
    assert len(crops) == 16


def test_an_unknown_domain_has_no_number(tmp_path: Path) -> None:
    rows = mixed_rows()
    for each, domain in zip(rows, ["street", UNKNOWN_DOMAIN, "beach"], strict=False):
        each["domain"] = domain
    for each in rows[3:]:
        each["domain"] = "beach"
    crops = load(*write_dataset(tmp_path, rows, noise))
    assert crops.domain.tolist()[:4] == [1, -1, 0, 0]


def test_validation_rows_are_the_labelled_val_rows(tmp_path: Path) -> None:
    dataset, _ = write_dataset(tmp_path, mixed_rows(), noise)
    assert set(validation_rows(dataset)["image_id"]) == {f"{n:016x}" for n in range(16, 20)}


def test_a_labelled_row_without_a_vector_is_an_error(tmp_path: Path) -> None:
    dataset, expanded = write_dataset(tmp_path, mixed_rows(), noise)
    labels = pd.read_parquet(expanded / "labels.parquet")
    write_table(expanded / "labels.parquet", labels.iloc[1:])
    with pytest.raises(DataError, match="no label vector for 0000000000000000"):
        load(dataset, expanded)


def test_crops_beyond_the_limit_are_mapped_and_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    where = write_dataset(tmp_path, mixed_rows(), noise)
    within, beyond = load(*where), load(*where, memory_gb=1e-6)
    assert mapped_bytes() >= beyond.windows.nbytes
    assert not list((tmp_path / SCRATCH).iterdir())
    assert torch.equal(within.windows, beyond.windows)
    assert torch.equal(within.windows[[3, 0, 3]], beyond.windows[[3, 0, 3]])


def mapped_bytes() -> int:
    """Of files in the scratch folder, which have no name any more."""
    maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines() if str(SCRATCH) in line]
    return sum(int(end, 16) - int(start, 16) for start, end in (each[0].split("-") for each in maps))


def test_a_scratch_file_without_room_is_an_error_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, start: int, size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left") as caught:
        reserve((10_000, 3, 144, 144), memory_gb=0.5)
    assert "while writing 0.6 GB of crops to var/scratch; free some" in describe(caught.value)


def test_every_pair_is_one_real_and_one_fake_and_the_order_repeats(tmp_path: Path) -> None:
    crops = load(*write_dataset(tmp_path, mixed_rows(), noise))
    pairs = list(balanced_order(crops, seed=3, epoch=1))
    assert pairs == list(balanced_order(crops, seed=3, epoch=1))
    assert pairs != list(balanced_order(crops, seed=3, epoch=2))
    assert all(bool(crops.real[real]) and bool(crops.fake[fake]) for real, fake in pairs)
    assert {real for real, _ in pairs} == set(torch.nonzero(crops.real).flatten().tolist())
