import json
from pathlib import Path

import pytest

from unmask.config import Drift
from unmask.errors import DataError
from unmask.monitoring.reference import Comparison, choose_sides

SETTINGS = Drift(max_rows=60, max_domain_auc=0.55, max_column_share=0.5)


def choose(root: Path, *, candidate: str = "student", max_rows: int = 60) -> Comparison | str:
    return choose_sides(
        data=root / "data",
        dataset=root / "dataset",
        predictions=root / "predictions.parquet",
        candidate=candidate,
        label_names=("fake", "identity"),
        max_rows=max_rows,
        seed=1,
    )


@pytest.fixture(scope="session")
def report():
    """The module that imports Evidently, which takes seconds."""
    from unmask.monitoring import drift

    return drift


def test_the_newest_batch_is_the_last_to_arrive_whatever_its_name(make_batches, tmp_path):
    make_batches(tmp_path, {"z-first": 40, "a-second": 30})
    found = choose(tmp_path)
    assert found.newest == "a-second"
    assert (len(found.reference.columns), len(found.current.columns)) == (40, 30)
    assert "validation and test rows of batch a-second against those of z-first" in found.what


def test_sides_are_capped(make_batches, tmp_path):
    make_batches(tmp_path, {"one": 40, "two": 30})
    found = choose(tmp_path, max_rows=25)
    assert (len(found.reference.columns), len(found.current.columns)) == (25, 25)


def test_scores_quality_and_marginals_are_watched(make_batches, tmp_path):
    make_batches(tmp_path, {"one": 40, "two": 30})
    watched = set(choose(tmp_path).watched)
    assert {"sharpness", "bytes_per_px", "jpeg_quality", "p_fake", "uncertain", "P(identity)"} <= watched


def test_one_batch_is_a_reason_not_an_error(make_batches, tmp_path, report):
    make_batches(tmp_path, {"only": 40})
    reason = choose(tmp_path)
    assert "only one batch" in reason
    found = report.write_drift_report(reason, tmp_path / "out", settings=SETTINGS, seed=1)
    assert json.loads((tmp_path / "out/drift.json").read_text()) == found
    assert (found["compared"], found["drifted"], found["reason"]) == (False, False, reason)
    assert "Nothing was compared" in (tmp_path / "out/report.html").read_text()


def test_a_batch_of_a_few_rows_is_not_judged(make_batches, tmp_path):
    make_batches(tmp_path, {"one": 40, "two": 5})
    assert "5 scored rows" in choose(tmp_path)


def test_predictions_of_nobody_are_an_error(make_batches, tmp_path):
    make_batches(tmp_path, {"one": 40, "two": 30})
    with pytest.raises(DataError, match="no validation or test rows of teacher"):
        choose(tmp_path, candidate="teacher")


def test_a_shift_of_the_embeddings_alone_is_drift(make_batches, tmp_path, report):
    make_batches(tmp_path, {"one": 60, "two": 50}, shift=1.0)
    found = report.write_drift_report(choose(tmp_path), tmp_path / "out", settings=SETTINGS, seed=1)
    assert found["drifted"]
    assert found["reasons"] == ["embedding"]
    assert found["domain_auc"]["low"] > 0.5
    assert found["mmd"]["p_value"] < 0.01
    assert "drifted (embedding), 50 rows of two against 60" in report.summary(found)


def test_alike_batches_are_no_drift_and_evidently_writes_its_report(make_batches, tmp_path, report):
    make_batches(tmp_path, {"one": 60, "two": 50})
    found = report.write_drift_report(choose(tmp_path), tmp_path / "out", settings=SETTINGS, seed=1)
    assert not found["drifted"]
    assert set(found["columns"]) == set(choose(tmp_path).watched)
    assert {column["test"] for column in found["columns"].values()} == {"ks", "chisquare"}
    page = (tmp_path / "out/report.html").read_text()
    assert "Domain classifier on embeddings" in page
    assert "batch two against those of one" in page
