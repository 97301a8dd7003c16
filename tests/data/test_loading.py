"""A hidden label never reaches the trainer, and batches are balanced and repeatable."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.datasets import noise, row, write_dataset
from unmask.data.loading import Crops, balanced_order, load_crops, training_rows, validation_rows
from unmask.data.preprocess import PreprocessSpec
from unmask.errors import DataError
from unmask.files import write_table

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


def test_validation_rows_are_the_labelled_val_rows(tmp_path: Path) -> None:
    dataset, _ = write_dataset(tmp_path, mixed_rows(), noise)
    assert set(validation_rows(dataset)["image_id"]) == {f"{n:016x}" for n in range(16, 20)}


def test_a_labelled_row_without_a_vector_is_an_error(tmp_path: Path) -> None:
    dataset, expanded = write_dataset(tmp_path, mixed_rows(), noise)
    labels = pd.read_parquet(expanded / "labels.parquet")
    write_table(expanded / "labels.parquet", labels.iloc[1:])
    with pytest.raises(DataError, match="no label vector for 0000000000000000"):
        load(dataset, expanded)


def test_every_pair_is_one_real_and_one_fake_and_the_order_repeats(tmp_path: Path) -> None:
    crops = load(*write_dataset(tmp_path, mixed_rows(), noise))
    pairs = list(balanced_order(crops, seed=3, epoch=1))
    assert pairs == list(balanced_order(crops, seed=3, epoch=1))
    assert pairs != list(balanced_order(crops, seed=3, epoch=2))
    assert all(bool(crops.real[real]) and bool(crops.fake[fake]) for real, fake in pairs)
    assert {real for real, _ in pairs} == set(torch.nonzero(crops.real).flatten().tolist())
