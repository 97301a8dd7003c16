import numpy as np
import pandas as pd
import pytest

from unmask.config import Evaluate
from unmask.evaluation.bootstrap import exact_interval
from unmask.evaluation.metrics import scored
from unmask.evaluation.tiers.measure import change_rate, measure_tiers
from unmask.evaluation.tiers.table import CLEAN, SWEEPS, TIERS, Degradation
from unmask.serving.verdict import Thresholds, calibrate, verdicts

THRESHOLDS = Thresholds(fake=0.8, real=0.2)
BLUR = Degradation("blur 1", ((SWEEPS["blur"].step, 1.0),), sweep="blur", x=1.0)


def judged(name: str, logits: np.ndarray, groups: np.ndarray | None = None) -> pd.DataFrame:
    """Rows that take turns in being real and fake, each of a group of its own unless GROUPS say otherwise."""
    count = len(logits)
    p = calibrate(np.asarray(logits, dtype=float), 1.0)
    columns = {"label": ["real", "fake"] * (count // 2), "group": range(count) if groups is None else groups}
    numbers = {"logit": logits, "p_fake": p, "verdict": verdicts(p, THRESHOLDS)}
    return pd.DataFrame({"image_id": [f"{n:04x}" for n in range(count)], "name": name, **columns, **numbers})


def rows_of(table: pd.DataFrame, *planned: Degradation, settings: Evaluate, chosen: int = 40) -> list[dict]:
    return measure_tiers(table, planned, THRESHOLDS, chosen=chosen, settings=settings, seed=0)


def right(count: int = 40) -> np.ndarray:
    return np.tile([-3.0, 3.0], count // 2) + np.linspace(-0.1, 0.1, count)


def test_flips_count_every_change_of_the_verdict_with_each_class_weighing_half(settings: Evaluate) -> None:
    after = right()
    after[[0, 2]] = 0.0, 3.0  # of 20 reals one becomes uncertain and one fake
    after[1] = -3.0  # of 20 fakes one becomes real
    table = pd.concat([judged("clean", right()), judged("web", after)])
    clean, web = rows_of(table, CLEAN, TIERS["web"], settings=settings)
    assert web["flip"]["value"] == pytest.approx((2 / 20 + 1 / 20) / 2)
    assert web["reversal"]["value"] == pytest.approx((1 / 20 + 1 / 20) / 2)
    assert 0 <= web["flip"]["low"] < web["flip"]["value"] < web["flip"]["high"] <= 1
    assert (web["flip"]["n_real"], web["flip"]["n_fake"]) == (20, 20)
    assert (web["fpr"]["value"], web["recall"]["value"]) == (1 / 20, 19 / 20)
    assert (
        clean["flip"]
        == clean["reversal"]
        == {"value": None, "low": None, "high": None, "n_real": 20, "n_fake": 20}
        | {"reason": "clean is what the others are held against"}
    )


def test_where_nothing_flips_the_bound_is_exact_and_counts_groups(settings: Evaluate) -> None:
    groups = np.repeat(np.arange(10), 4)
    table = pd.concat([judged(name, right(), groups) for name in ("clean", "web")])
    flip = rows_of(table, CLEAN, TIERS["web"], settings=settings)[1]["flip"]
    assert (flip["value"], flip["low"]) == (0.0, 0.0)
    assert flip["high"] == pytest.approx(exact_interval(0.0, 10, 0.95)[1], abs=1e-4)


def test_rows_are_named_and_count_what_is_missing(settings: Evaluate) -> None:
    table = pd.concat([judged("clean", right()), judged("blur 1", right()).iloc[:30]])
    clean, blur = rows_of(table, CLEAN, BLUR, settings=settings, chosen=44)
    assert (clean["missing"], blur["missing"]) == (4, 14)
    assert (blur["name"], blur["sweep"], blur["x"], blur["axis"]) == ("blur 1", "blur", 1.0, "blur, sigma in px")
    assert (clean["sweep"], clean["x"], clean["axis"]) == (None, None, None)


def test_a_row_without_clean_is_no_flip(settings: Evaluate) -> None:
    table = pd.concat([judged("clean", right()).iloc[2:], judged("web", right())])
    web = rows_of(table, CLEAN, TIERS["web"], settings=settings)[1]
    assert web["flip"]["value"] == 0.0
    assert web["n_real"] == 19


@pytest.mark.parametrize(("kept", "reason"), [("real", "only 0 fake"), ("fake", "only 0 real")])
def test_one_class_alone_gives_no_rate(kept: str, reason: str, settings: Evaluate) -> None:
    table = pd.concat([judged("clean", right()), judged("web", right())])
    web = rows_of(table[table["label"] == kept], CLEAN, TIERS["web"], settings=settings)[1]
    for name in ("auc", "flip"):
        assert web[name]["value"] is None
        assert web[name]["reason"] == reason


def test_nothing_at_all_gives_reasons(settings: Evaluate) -> None:
    web = rows_of(judged("web", right()).iloc[:0], TIERS["web"], settings=settings)[0]
    assert (web["n_real"], web["missing"]) == (0, 40)
    assert all(
        web[name]["value"] is None and web[name]["reason"] for name in ("auc", "fpr", "recall", "flip", "reversal")
    )


def test_intervals_are_over_groups_and_cover_the_true_rate(settings: Evaluate) -> None:
    """Six rows of a group flip together: an interval over rows would cover far less."""
    wide = Evaluate(bootstrap=200, confidence=0.95, fake_fpr=0.02, real_miss=0.05, worst=0)
    truth, hits, runs = 0.3, 0, 150
    draw = np.random.default_rng(0)
    part = judged("web", right(240), np.repeat(np.arange(40), 6))
    fake = part["label"] == "fake"
    rows = scored(fake=fake, logit=part["logit"], p=part["p_fake"], groups=part["group"], thresholds=THRESHOLDS)
    for _ in range(runs):
        changed = np.repeat(draw.random(40) < truth, 6)
        found = change_rate(changed, part, rows, wide, seed=int(draw.integers(1 << 30)))
        hits += found["low"] <= truth <= found["high"]
    assert 0.9 <= hits / runs <= 0.99
