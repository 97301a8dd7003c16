import dataclasses

import numpy as np
import pandas as pd
import pytest

from tests.evaluation.synthetic import judge, make_predictions
from unmask.config import Evaluate
from unmask.evaluation.gaps import NEEDS, Spread, domain_gaps, domain_table, simultaneous_half_width


def _gaps(frame: pd.DataFrame, settings: Evaluate) -> dict[str, dict]:
    return {row["metric"]: row for row in domain_gaps(judge("student", frame, settings), settings=settings, seed=0)}


@pytest.fixture(scope="module")
def few(settings: Evaluate) -> Evaluate:
    return dataclasses.replace(settings, bootstrap=60)


def _two_domains(shift: float) -> pd.DataFrame:
    """Half of the groups look at another wall, where everything scores SHIFT higher."""
    frame = make_predictions(groups=480)
    apart = frame["group"].str[1:].astype(int) % 4 >= 2
    domain = np.where(apart, "wall", "office")
    return frame.assign(domain=domain, logit=frame["logit"] + np.where(apart & (frame["split"] == "test"), shift, 0.0))


def test_a_domain_whose_reals_score_high_is_the_worst_served(few: Evaluate) -> None:
    found = _gaps(_two_domains(2.5), few)["fpr"]
    assert (found["best"], found["worst"]) == ("office", "wall")
    assert found["gap"]["low"] > 0


def test_domains_that_do_not_differ_are_not_told_apart(few: Evaluate) -> None:
    frame = make_predictions()
    twin = frame.assign(group="twin " + frame["group"], image_id="twin " + frame["image_id"], domain="wall")
    for found in _gaps(pd.concat([frame.assign(domain="office"), twin], ignore_index=True), few).values():
        assert found["gap"]["value"] == 0.0
        assert found["gap"]["low"] < 0 < found["gap"]["high"]


def test_the_gap_is_that_of_the_measured_slices(few: Evaluate) -> None:
    frame = _two_domains(1.0)
    candidate = judge("student", frame, few)
    for row in domain_gaps(candidate, settings=few, seed=0):
        values = [candidate.find(name, kind="domain")["metrics"][row["metric"]]["value"] for name in ("office", "wall")]
        assert row["gap"]["value"] == pytest.approx(abs(values[0] - values[1]), abs=2e-5)
        assert row["gap"]["low"] <= row["gap"]["value"] <= row["gap"]["high"]


def test_a_domain_of_one_class_is_left_out_and_named(few: Evaluate) -> None:
    frame = _two_domains(0.0)
    odd = (frame["label"] == "fake") & frame["group"].str.endswith("0")
    found = _gaps(frame.assign(domain=frame["domain"].mask(odd, "sky")), few)["auc"]
    assert found["left_out"] == ["sky"]
    assert found["domains"] == 2


def test_one_domain_has_no_gap(few: Evaluate) -> None:
    found = _gaps(make_predictions().assign(domain="wall"), few)
    assert set(found) == set(NEEDS)
    assert all(row["gap"]["value"] is None and "fewer than two" in row["gap"]["reason"] for row in found.values())


def test_a_rate_without_an_error_still_has_a_standard_error() -> None:
    spread = Spread(("a", "b"), np.array([0.0, 0.1]), np.tile([0.0, 0.1], (9, 1)), np.array([50.0, 50.0]))
    assert spread.errors()[0] == pytest.approx(np.sqrt((1 / 52) * (51 / 52) / 50))


def test_equal_domains_are_told_apart_in_one_run_of_twenty() -> None:
    """Of five equal domains the pair furthest apart is picked; its plain interval is wrong far more often."""
    rng, runs, rows = np.random.default_rng(3), 400, 200
    simultaneous, plain = 0, 0
    for _ in range(runs):
        values = rng.binomial(rows, 0.2, 5) / rows
        drawn = rng.binomial(rows, values, (300, 5)) / rows
        spread = Spread(tuple("abcde"), values, drawn, np.full(5, float(rows)))
        high, low = int(values.argmax()), int(values.argmin())
        error = np.hypot(*spread.errors()[[high, low]])
        gap = values[high] - values[low]
        simultaneous += gap > simultaneous_half_width(spread, 0.95) * error
        plain += gap > 1.96 * error
    assert simultaneous / runs <= 0.08
    assert plain / runs > 0.15


def test_the_table_has_a_line_a_domain_with_both_ends(settings: Evaluate) -> None:
    candidates = [judge(name, make_predictions(), settings) for name in ("student", "teacher")]
    table = domain_table(candidates).set_index("domain")
    assert list(table.index) == [row["name"] for row in candidates[0].of_kind("domain")]
    auc = candidates[1].find("d2", kind="domain")["metrics"]["auc"]
    found = table.loc["d2", ["teacher_auc", "teacher_auc_low", "teacher_auc_high"]].tolist()
    assert found == [auc["value"], auc["low"], auc["high"]]
