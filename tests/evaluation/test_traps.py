"""Planted traps: each would give a flattering or wrong number, and each fails where its defence is taken away."""

import numpy as np
import pandas as pd
import pytest

from tests.evaluation.synthetic import judge, make_predictions
from unmask.config import Evaluate
from unmask.errors import DataError
from unmask.evaluation.measure import calibrated, measure
from unmask.evaluation.metrics import NAMES, scored
from unmask.evaluation.slices import by_clip
from unmask.serving.verdict import Thresholds


@pytest.fixture
def predictions() -> pd.DataFrame:
    return make_predictions()


def _interval(frame: pd.DataFrame, settings: Evaluate, name: str = "auc") -> tuple[float, float]:
    row = judge("student", frame, settings).find("all")
    assert row is not None
    return row["metrics"][name]["low"], row["metrics"][name]["high"]


def test_four_manipulations_that_share_a_folder_name_stay_four_clips(predictions: pd.DataFrame) -> None:
    fakes = predictions[predictions["label"] == "fake"].head(8)
    generators = ["Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures"]
    shared = fakes.assign(source="ffpp", clip="000_003", generator=np.repeat(generators, 2), group="000_003")
    clips = by_clip(shared, temperature=1.0)
    assert clips["generator"].tolist() == generators
    means = shared.groupby("generator")["logit"].mean()
    assert clips["logit"].tolist() == pytest.approx(means[generators].tolist())


def test_a_clip_of_one_name_in_two_sources_stays_two_clips(predictions: pd.DataFrame) -> None:
    fakes = predictions[predictions["label"] == "fake"].head(2)
    assert len(by_clip(fakes.assign(source=["a", "b"], clip="000", generator="swap"), temperature=1.0)) == 2


def test_test_rows_choose_neither_threshold_nor_temperature(predictions: pd.DataFrame, settings: Evaluate) -> None:
    test = predictions["split"] == "test"
    moved = predictions.assign(logit=predictions["logit"].where(~test, 3.0 - 5.0 * predictions["logit"]))
    assert calibrated(moved, settings)[1] == calibrated(predictions, settings)[1]


def test_a_group_that_helps_to_choose_what_it_is_measured_by_is_refused(
    predictions: pd.DataFrame, settings: Evaluate
) -> None:
    leaked = predictions.loc[predictions["split"] == "val", "group"].iloc[0]
    place = predictions.index[predictions["split"] == "test"][3]
    crossing = predictions.assign(group=predictions["group"].where(predictions.index != place, leaked))
    with pytest.raises(DataError, match=f"group {leaked} has rows in both val and test"):
        calibrated(crossing, settings)


def test_a_row_that_stands_twice_is_refused(predictions: pd.DataFrame, settings: Evaluate) -> None:
    twice = pd.concat([predictions, predictions.iloc[[7]]], ignore_index=True)
    with pytest.raises(DataError, match=f"picture {predictions['image_id'][7]} stands twice"):
        calibrated(twice, settings)


def test_copies_under_other_names_do_not_narrow_an_interval(predictions: pd.DataFrame, settings: Evaluate) -> None:
    copies = pd.concat(
        [predictions.assign(image_id=predictions["image_id"] + suffix) for suffix in "abcd"], ignore_index=True
    )
    assert _interval(copies, settings) == pytest.approx(_interval(predictions, settings), abs=1e-9)


def test_an_interval_is_over_groups_and_not_over_rows(predictions: pd.DataFrame, settings: Evaluate) -> None:
    copies = pd.concat(
        [predictions.assign(image_id=predictions["image_id"] + suffix) for suffix in "abcd"], ignore_index=True
    )
    rows = copies.assign(group=copies["group"] + copies["image_id"].str[-1])
    (low, high), (wrong_low, wrong_high) = _interval(copies, settings), _interval(rows, settings)
    assert high - low > 1.5 * (wrong_high - wrong_low)


def test_a_constant_scorer_is_worth_nothing(predictions: pd.DataFrame, settings: Evaluate) -> None:
    row = judge("student", predictions.assign(logit=1.0), settings).find("all")
    assert row is not None
    values = {name: found["value"] for name, found in row["metrics"].items()}
    assert (values["auc"], values["eer"], values["balanced_accuracy"]) == (0.5, 0.5, 0.5)
    assert values["average_precision"] == 0.5  # the share of fakes
    assert (values["recall"], values["fpr"], values["tpr_at_fpr5"]) == (0.0, 0.0, 0.0)
    assert row["metrics"]["auc"]["low"] < 0.5 < row["metrics"]["auc"]["high"]
    assert values["uncertain"] == 1.0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("split", ["val", "test"])
def test_a_score_that_is_no_number_is_refused_by_name(
    predictions: pd.DataFrame, settings: Evaluate, bad: float, split: str
) -> None:
    place = predictions.index[predictions["split"] == split][3]
    broken = predictions.assign(logit=predictions["logit"].where(predictions.index != place, bad))
    with pytest.raises(DataError, match=rf"picture {predictions['image_id'][place]} has the score {bad}"):
        calibrated(broken, settings)


def test_no_metric_ranks_a_score_that_is_not_a_number() -> None:
    nan = float("nan")
    with pytest.raises(DataError, match="row 1 has no score"):
        scored(fake=[0, 1], logit=[0.0, nan], p=[0.5, nan], groups=[0, 1], thresholds=Thresholds(0.8, 0.2))


@pytest.mark.parametrize("label", ["real", "fake"])
def test_a_slice_of_one_class_has_no_number_that_needs_the_other(
    predictions: pd.DataFrame, settings: Evaluate, label: str
) -> None:
    frame, calibration = calibrated(predictions.assign(candidate="student"), settings)
    only = frame.assign(domain=frame["domain"].where(frame["label"] != label, "alone"))
    found = measure("student", only, calibration, settings=settings, references={}, seed=0).find("alone", kind="domain")
    assert found is not None
    numbers = {name for name, one in found["metrics"].items() if one["value"] is not None}
    assert numbers == ({"fpr"} if label == "real" else {"recall", "miss"})
    other = "fake" if label == "real" else "real"
    assert found["metrics"]["auc"]["reason"] == f"only 0 {other}"


def test_a_slice_of_three_rows_has_no_number(predictions: pd.DataFrame, settings: Evaluate) -> None:
    frame, calibration = calibrated(predictions.assign(candidate="student"), settings)
    three = frame[frame["split"] == "test"].index[:3]
    tiny = frame.assign(domain=frame["domain"].where(~frame.index.isin(three), "tiny"))
    found = measure("student", tiny, calibration, settings=settings, references={}, seed=0).find("tiny", kind="domain")
    assert found is not None
    assert found["n_real"] + found["n_fake"] == 3
    assert set(found["metrics"]) == set(NAMES)
    for one in found["metrics"].values():
        assert (one["value"], one["low"], one["high"]) == (None, None, None)
        assert one["reason"].startswith("only ")
