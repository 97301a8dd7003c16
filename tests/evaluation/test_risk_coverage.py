import numpy as np
import pandas as pd
import pytest

from tests.evaluation.synthetic import judge, make_predictions
from unmask.config import Evaluate
from unmask.evaluation.risk_coverage import COLUMNS, coverage_table, middle
from unmask.serving.verdict import Thresholds


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return make_predictions(3, groups=480)


@pytest.fixture(scope="module")
def table(frame: pd.DataFrame, settings: Evaluate) -> pd.DataFrame:
    return coverage_table([judge("student", frame, settings)], settings, seed=0)


def test_each_point_says_its_candidate_and_interval(table: pd.DataFrame) -> None:
    assert list(table.columns) == COLUMNS
    assert set(table["candidate"]) == {"student"}
    assert (table["low"] <= table["error"]).all()
    assert (table["error"] <= table["high"]).all()


def test_the_surest_verdicts_are_the_right_ones(table: pd.DataFrame) -> None:
    assert table["coverage"].is_monotonic_increasing
    assert table["coverage"].iloc[-1] == 1.0
    assert table["error"].iloc[0] < table["error"].iloc[-1]


def test_the_end_of_the_curve_is_the_error_of_two_verdicts(
    frame: pd.DataFrame, settings: Evaluate, table: pd.DataFrame
) -> None:
    candidate = judge("student", frame, settings)
    test, cut = candidate.test, middle(candidate.calibration.thresholds)
    wrong = (test["logit"] / candidate.calibration.temperature > cut) != (test["label"] == "fake")
    by_class = wrong.groupby(test["label"]).mean()
    assert table["error"].iloc[-1] == pytest.approx(by_class.mean(), abs=1e-5)


def test_the_classes_weigh_the_same_whatever_their_mixture(frame: pd.DataFrame, settings: Evaluate) -> None:
    copies = frame[(frame["label"] == "real") & (frame["split"] == "test")]
    more = pd.concat([frame, copies.assign(image_id=copies["image_id"] + "x")], ignore_index=True)
    once, twice = (coverage_table([judge("s", rows, settings)], settings, seed=0).iloc[-1] for rows in (frame, more))
    assert once["error"] == pytest.approx(twice["error"])


def test_no_error_does_not_look_like_certainty(settings: Evaluate) -> None:
    frame = make_predictions(0)
    sure = frame.assign(logit=np.where(frame["label"] == "fake", 9.0, -9.0) + frame["logit"] * 0.1)
    table = coverage_table([judge("s", sure, settings)], settings, seed=0)
    assert (table["error"] == 0).all()
    assert (table["high"] > 0.01).all()


def test_one_class_has_no_curve(settings: Evaluate) -> None:
    candidate = judge("s", make_predictions(0), settings)
    rows = candidate.predictions
    alone = type(candidate)("s", candidate.calibration, rows[rows["label"] == "real"], candidate.measured)
    assert coverage_table([alone], settings, seed=0).empty


def test_the_middle_is_taken_on_log_odds() -> None:
    assert middle(Thresholds(0.9, 0.1)) == pytest.approx(0)
    assert np.isfinite(middle(Thresholds(1.0, 0.5)))
