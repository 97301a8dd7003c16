from types import SimpleNamespace

import numpy as np
import pytest

from unmask.errors import DataError
from unmask.monitoring.heldout import read_heldout, score_rows, some_groups
from unmask.serving.runtime import Answer


class Grey:
    """A stand-in for the runtime whose score is how bright a crop is."""

    bundle = SimpleNamespace(version="0123456789ab", data=SimpleNamespace(md5="d"))

    def prepare(self, picture):
        return np.asarray(picture)

    def predict_crops(self, crops):
        return [
            Answer(
                p_fake=float(crop.mean()) / 255,
                logit=0.0,
                verdict="uncertain",
                attributes={"fake": 0.5},
                sentence="",
                embedding=np.full(8, crop.mean(), dtype=np.float32),
            )
            for crop in crops
        ]


def read(root, candidate="student"):
    return read_heldout(
        data=root / "data",
        dataset=root / "build/dataset",
        predictions=root / "build/evaluation/predictions.parquet",
        candidate=candidate,
    )


def test_batches_come_in_the_order_of_their_arrival(make_build, tmp_path):
    make_build(tmp_path, {"z-first": 8, "a-second": 4})
    assert read(tmp_path).batches == ["z-first", "a-second"]


def test_generators_that_the_model_never_saw_are_no_reference(make_build, tmp_path):
    make_build(tmp_path, {"one": 8})
    found = read(tmp_path)
    assert (len(found.table), len(found.of_known_generators())) == (8, 6)


def test_predictions_of_nobody_are_an_error(make_build, tmp_path):
    make_build(tmp_path, {"one": 8})
    with pytest.raises(DataError, match="no validation or test rows of teacher"):
        read(tmp_path, "teacher")


def test_batches_that_are_not_there_are_an_error(make_build, tmp_path):
    make_build(tmp_path, {"one": 8})
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="dvc checkout"):
        read(tmp_path)


def test_a_cut_keeps_groups_whole(make_build, tmp_path):
    make_build(tmp_path, {"one": 12})
    table = read(tmp_path).table
    kept = some_groups(table, 7, seed=0)
    assert len(kept) == 6
    assert kept.groupby("group").size().eq(2).all()


def test_rows_are_scored_in_order_with_what_the_manifest_says(make_build, tmp_path):
    make_build(tmp_path, {"one": 70})
    table = read(tmp_path).table
    rows = score_rows(table, Grey(), tmp_path / "build/dataset", workers=2)
    assert rows.ids.tolist() == table["image_id"].tolist()
    assert rows.groups.tolist() == table["group"].tolist()
    assert rows.columns["p_fake"].to_numpy() == pytest.approx(np.arange(70) / 255, abs=1e-6)
    assert rows.columns["bytes_per_px"].to_numpy() == pytest.approx(900 / 24**2)
    assert rows.columns["uncertain"].eq(1.0).all()
    assert rows.embeddings.shape == (70, 16)
