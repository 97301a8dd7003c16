import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from unmask.evaluation.metrics import NAMES, Scored, scored
from unmask.serving.verdict import Thresholds, calibrate

THRESHOLDS = Thresholds(fake=0.8, real=0.3)


def _rows(fake: list[int] | np.ndarray, logit: list[float] | np.ndarray) -> Scored:
    p = calibrate(np.asarray(logit, dtype=np.float64), 1.0)
    return scored(fake=fake, logit=logit, p=p, groups=np.arange(len(fake)), thresholds=THRESHOLDS)


def _measure(rows: Scored) -> dict[str, float]:
    return rows.measure(np.ones(len(rows.fake)))


labelled_scores = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=4, max_size=40).filter(
    lambda rows: len({fake for fake, _ in rows}) == 2
)


@given(labelled_scores)
def test_auc_and_average_precision_equal_scikit_learn_with_ties(rows: list[tuple[bool, int]]) -> None:
    """U-E3."""
    fake, score = (np.array(column) for column in zip(*rows, strict=True))
    found = _measure(_rows(fake, score))
    assert found["auc"] == pytest.approx(roc_auc_score(fake, score), abs=1e-12)
    assert found["average_precision"] == pytest.approx(average_precision_score(fake, score), abs=1e-12)


@given(labelled_scores, st.integers(0, 99))
def test_a_weight_is_the_same_as_repeating_the_row(rows: list[tuple[bool, int]], seed: int) -> None:
    rows = sorted(rows, key=lambda row: row[1])
    fake, score = (np.array(column) for column in zip(*rows, strict=True))
    weights = np.random.default_rng(seed).integers(0, 3, len(rows))
    repeated = (np.repeat(fake, weights), np.repeat(score, weights))
    if len(set(repeated[0].tolist())) < 2:
        return
    weighted = _rows(fake, score).measure(weights.astype(np.float64))
    plain = _measure(_rows(*repeated))
    assert weighted == pytest.approx(plain, abs=1e-9)


def test_auc_with_a_tie_by_hand() -> None:
    """U-E3."""
    # pairs (real, fake): 1<2, 1<3, 2=2 counts half, 2<3
    assert _measure(_rows([0, 0, 1, 1], [1, 2, 2, 3]))["auc"] == pytest.approx(3.5 / 4)


def test_equal_error_rate_by_hand() -> None:
    """U-E3."""
    # At the threshold between 2 and 3 one real of four is above and one fake of four below.
    assert _measure(_rows([0, 0, 0, 0, 1, 1, 1, 1], [1, 1.5, 2, 4, 0, 3, 5, 6]))["eer"] == pytest.approx(0.25)


def test_recall_at_a_false_positive_rate_by_hand() -> None:
    reals = list(np.linspace(-2, 0, 20))
    rows = _rows([0] * 20 + [1] * 4, [*reals, -3, -0.05, 1, 2])
    # One real of twenty may be flagged: the threshold falls below the highest real.
    assert rows.curve(np.ones(24)).tpr_at(0.05) == pytest.approx(3 / 4)
    assert rows.curve(np.ones(24)).tpr_at(0.0) == pytest.approx(2 / 4)


def test_rates_at_the_shipped_thresholds_by_hand() -> None:
    """U-E3."""
    logit = [-3, -3, -3, 3, -3, 0, 3, 3, 3, 3]
    found = _measure(_rows([0] * 4 + [1] * 6, logit))
    assert found["fpr"] == pytest.approx(1 / 4)
    assert found["recall"] == pytest.approx(4 / 6)
    assert found["miss"] == pytest.approx(1 / 6)
    assert found["uncertain"] == pytest.approx((0 + 1 / 6) / 2)
    assert found["accuracy"] == pytest.approx(7 / 10)
    assert found["balanced_accuracy"] == pytest.approx((4 / 6 + 3 / 4) / 2)


def test_calibration_error_by_hand() -> None:
    # One bin, each class weighing half: mean probability 0.95 against a share of one half.
    rows = scored(fake=[0, 1], logit=[3, 3], p=[0.95, 0.95], groups=[0, 1], thresholds=THRESHOLDS)
    assert _measure(rows)["ece"] == pytest.approx(0.45)


def test_perfectly_calibrated_scores_have_a_small_calibration_error() -> None:
    generator = np.random.default_rng(0)
    fake = np.repeat([True, False], 20_000)
    logit = np.where(fake, 1.0, -1.0) + generator.normal(0, np.sqrt(2.0), 40_000)  # log-likelihood ratio of two normals
    assert _measure(_rows(fake, logit))["ece"] < 0.01


def test_reliability_counts_every_row_once() -> None:
    rows = _rows([0, 1, 1], [-9, 0.1, 9])
    mean, share, count = rows.reliability()
    assert count.sum() == 3
    assert np.isnan(mean[count == 0]).all()
    assert share[-1] == pytest.approx(1.0)


def test_without_a_class_what_needs_it_is_not_a_number() -> None:
    found = _measure(_rows([0, 0], [1, 2]))
    assert set(found) == set(NAMES)
    assert np.isnan(found["auc"])
    assert np.isnan(found["recall"])
    assert found["fpr"] == 0.5
