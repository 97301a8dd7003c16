from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.datasets import row
from tests.evaluation.report.folder import run_of
from tests.evaluation.synthetic import judge, make_predictions
from unmask.config import Evaluate
from unmask.errors import DataError
from unmask.evaluation.measure import Candidate
from unmask.evaluation.record import Source, det_table, read_run, sources_of, training_table, write_run


@pytest.fixture(scope="module")
def candidate(settings: Evaluate) -> Candidate:
    return judge("student", make_predictions(), settings)


def test_a_run_reads_back_as_it_was_written(candidate: Candidate, settings: Evaluate, tmp_path: Path) -> None:
    run = run_of([candidate], settings, note="a note")
    write_run(tmp_path, run)
    assert read_run(tmp_path) == run


def test_a_folder_without_a_run_is_no_evaluation(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no finished evaluation; run `dvc repro evaluate`"):
        read_run(tmp_path)


def test_the_trade_off_agrees_with_the_scores(candidate: Candidate) -> None:
    table = det_table([candidate])
    rows = candidate.scored(seen=True)
    real, fake = np.sort(rows.logit[~rows.fake]), rows.logit[rows.fake]
    for fpr, miss in table[["fpr", "student_seen"]].iloc[::10].itertuples(index=False):
        flagged = int(fpr * len(real) + 1e-4)
        threshold = real[len(real) - flagged - 1]  # the highest that lets so many reals through
        assert miss == pytest.approx((fake <= threshold).mean(), abs=1e-5)


def test_the_trade_off_begins_at_one_real_and_never_rises(candidate: Candidate) -> None:
    table = det_table([candidate])
    assert table["fpr"].iloc[0] == pytest.approx(1 / candidate.scored().n_real, abs=1e-6)
    assert table["student_unseen"].is_monotonic_decreasing


def test_without_unseen_fakes_there_is_no_curve_of_them(settings: Evaluate) -> None:
    frame = make_predictions()
    frame = frame[frame["seen"] | (frame["split"] == "val")]
    assert list(det_table([judge("student", frame, settings)])) == ["fpr", "student_seen"]


def test_sources_are_counted() -> None:
    rows = [
        row(0, label="real", split="test", labelled=True),
        row(1, label="fake", split="test", labelled=True),
        row(2, label="unlabelled", split="train", labelled=False),
    ]
    assert sources_of(pd.DataFrame(rows)) == [Source("s", 1, 1, 1, 2, 2)]


def test_training_curves_of_all_candidates_become_one_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("epoch,loss,other\n0,1.5,9\n1,1.0,9\n")
    (tmp_path / "empty.csv").write_text("\n")
    found = training_table({"a": tmp_path / "a.csv", "b": tmp_path / "empty.csv", "c": tmp_path / "missing.csv"})
    assert found["candidate"].tolist() == ["a", "a"]
    assert found["loss"].tolist() == [1.5, 1.0]
    assert found["validation_auc"].isna().all()
    assert training_table({}).empty
