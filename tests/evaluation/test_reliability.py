import numpy as np
import pandas as pd
import pytest

from tests.evaluation.synthetic import judge, make_predictions
from unmask.config import Evaluate
from unmask.evaluation.bootstrap import exact_interval
from unmask.evaluation.measure import Candidate, reliability_table
from unmask.evaluation.reliability import with_intervals


@pytest.fixture(scope="module")
def candidate(settings: Evaluate) -> Candidate:
    return judge("student", make_predictions(groups=600), settings)


@pytest.fixture(scope="module")
def table(candidate: Candidate, settings: Evaluate) -> pd.DataFrame:
    return with_intervals(reliability_table([candidate]), [candidate], settings, seed=0)


def test_each_share_lies_in_its_interval(table: pd.DataFrame) -> None:
    filled = table[table["student_rows"] > 0]
    assert (filled["student_low"] <= filled["student"]).all()
    assert (filled["student"] <= filled["student_high"]).all()


def test_rows_add_up(table: pd.DataFrame, candidate: Candidate) -> None:
    assert table["student_rows"].sum() == len(candidate.test)


def test_a_bin_without_a_fake_has_the_exact_interval(settings: Evaluate, candidate: Candidate) -> None:
    sure = np.where(candidate.predictions["label"] == "fake", 0.95, 0.05)
    test = candidate.predictions.assign(p_fake=sure, logit=np.log(sure / (1 - sure)))
    perfect = judge("student", make_predictions(groups=600), settings)
    perfect = type(perfect)(perfect.name, perfect.calibration, test, perfect.measured)
    table = with_intervals(reliability_table([perfect]), [perfect], settings, seed=0)
    reals = int((perfect.test["label"] == "real").sum())
    low, high = exact_interval(0.0, reals, settings.confidence)
    assert table.loc[0, ["student_low", "student_high"]].tolist() == pytest.approx([low, high], abs=1e-4)


def test_an_empty_bin_has_no_interval(table: pd.DataFrame) -> None:
    empty = table[table["student_rows"] == 0]
    assert empty[["student", "student_low", "student_high"]].isna().all(axis=None)
