import dataclasses
from collections.abc import Sequence

import pytest

from tests.evaluation.comparison.simulation import draw, pairs_of
from unmask.config import Promote
from unmask.errors import DataError
from unmask.evaluation.comparison.paired import Difference, PairedNumber, paired_differences
from unmask.evaluation.comparison.rule import (
    Check,
    Latency,
    cap_checks,
    difference_checks,
    find,
    missing_tiers,
    verdict_of,
)

NOTHING = PairedNumber(None, None, None, None, "only 0 fake")
FPR = {"value": 0.01, "low": 0.0, "high": 0.03, "n_real": 300}
FAST = Latency(3.0, (2.5, 4.0))


def _number(low: float, high: float) -> PairedNumber:
    return PairedNumber(0.9, 0.9 + (low + high) / 2, (low + high) / 2, (low, high))


def _part(
    name: str, auc: PairedNumber, *, kind: str = "generator", rows: int = 400, **other: PairedNumber
) -> Difference:
    numbers = {"recall": _number(-0.01, 0.01), "fpr": _number(-0.01, 0.01)} | other
    return Difference(kind, name, "frame", rows // 2, rows // 2, rows, auc=auc, **numbers)


def _checks(parts: Sequence[Difference], promote: Promote, trigger: str = "") -> dict[str, bool]:
    return {check.name: check.passed for check in difference_checks(parts, promote, trigger=trigger)}


ALL = _part("all", _number(0.01, 0.03), kind="overall")


@pytest.mark.parametrize(("low", "passed"), [(0.001, True), (0.0, False), (-0.001, False)])
def test_better_means_the_lower_end_above_nothing(low: float, passed: bool, promote: Promote) -> None:
    assert _checks([_part("all", _number(low, 0.1), kind="overall")], promote)["better on overall:all, AUC"] is passed


@pytest.mark.parametrize(("low", "passed"), [(-0.05, True), (-0.0501, False)])
def test_a_slice_may_not_lose_more_than_its_margin(low: float, passed: bool, promote: Promote) -> None:
    found = _checks([ALL, _part("s / swap", _number(low, 0.1))], promote)
    assert found["not worse on generator:s / swap, AUC"] is passed


def test_with_a_trigger_it_must_be_better_there_and_only_not_worse_overall(promote: Promote) -> None:
    parts = [_part("all", _number(-0.01, 0.02), kind="overall"), _part("s / new", _number(0.1, 0.3), rows=60)]
    assert all(_checks(parts, promote, "generator:s / new").values())
    assert not all(_checks(parts, promote).values())
    assert not all(_checks([parts[0], _part("s / new", _number(-0.1, 0.3))], promote, "s / new").values())


def test_small_slices_are_not_checked(promote: Promote) -> None:
    assert len(_checks([ALL, _part("s / rare", _number(-0.5, 0.5), rows=99)], promote)) == 2


@pytest.mark.parametrize(("high", "passed"), [(0.05, True), (0.06, False)])
def test_a_slice_of_reals_alone_is_checked_on_false_positives(high: float, passed: bool, promote: Promote) -> None:
    part = _part("office", NOTHING, kind="domain", recall=NOTHING, fpr=_number(-0.01, high))
    assert _checks([ALL, part], promote)["not worse on domain:office, false-positive rate"] is passed


def test_a_slice_of_fakes_alone_is_checked_on_recall(promote: Promote) -> None:
    part = _part("office", NOTHING, kind="domain", fpr=NOTHING, recall=_number(-0.06, 0.0))
    assert _checks([ALL, part], promote)["not worse on domain:office, recall"] is False


def test_what_can_not_be_measured_does_not_pass(promote: Promote) -> None:
    part = _part("office", NOTHING, kind="domain", fpr=NOTHING, recall=NOTHING)
    assert _checks([ALL, part], promote)["not worse on domain:office, AUC"] is False
    assert not missing_tiers(["web"])[0].passed


def test_an_unknown_or_ambiguous_trigger_names_what_there_is() -> None:
    parts = [ALL, _part("x", _number(0, 1)), _part("x", _number(0, 1), kind="domain")]
    with pytest.raises(DataError, match=r"several slices.*generator:x, domain:x"):
        find(parts, "x")
    with pytest.raises(DataError, match=r"no slice.*overall:all"):
        find(parts, "nowhere")
    assert find(parts, "domain:x") is parts[2]


@pytest.mark.parametrize(("high", "passed"), [(0.05, True), (0.051, False)])
def test_the_upper_end_of_false_positives_keeps_the_cap(high: float, passed: bool, promote: Promote) -> None:
    found = list(cap_checks(FPR | {"high": high}, FAST, promote))
    assert [check.passed for check in found] == [passed, True]


@pytest.mark.parametrize(
    ("latency", "passed"),
    [(FAST, True), (Latency(90.0, (80.0, 101.0)), False), (Latency(None, None, "no bundle"), False)],
)
def test_the_upper_end_of_latency_keeps_the_cap(latency: Latency, passed: bool, promote: Promote) -> None:
    assert list(cap_checks(FPR, latency, promote))[1].passed is passed


def test_false_positives_that_were_not_measured_do_not_pass(promote: Promote) -> None:
    unknown = {"value": None, "low": None, "high": None, "reason": "only 4 real"}
    assert "only 4 real" in next(iter(cap_checks(unknown, FAST, promote))).reason


def test_two_that_no_picture_tells_apart_are_not_worse_than_each_other_nor_better(promote: Promote) -> None:
    alike = dataclasses.replace(_number(-0.06, 0.06), same=True)
    found = difference_checks([_part("all", alike, kind="overall")], promote, trigger="")
    assert [check.passed for check in found] == [False, True]
    assert "no picture tells them apart" in found[1].reason


def test_a_challenger_that_loses_the_margin_near_an_auc_of_1_is_seldom_let_through(promote: Promote) -> None:
    """Forty groups of five rows; percentiles of the difference let some 10 % through."""
    passed, runs = 0, 200
    for seed in range(runs):
        rows = draw(seed, rows=200, champion=[0.99], challenger=[0.99 - promote.slice_margin], alike=0.7, group=5)
        parts = paired_differences(list(pairs_of(rows)), groups=40, resamples=200, confidence=0.95, seed=seed)
        passed += difference_checks(parts, promote, trigger="")[-1].passed
    assert passed / runs <= 0.06


def test_one_failed_check_keeps_the_champion() -> None:
    passed = Check("a", 0.0, None, ">", 0.0, passed=True, reason="")
    assert verdict_of([passed]) == "promote"
    assert verdict_of([passed, dataclasses.replace(passed, passed=False)]) == "keep"


def _promoted(promote: Promote, *, runs: int, champion: list[float], challenger: list[float], rows: int) -> float:
    """Share of simulated comparisons in which every check on differences passes."""
    promoted = 0
    for seed in range(runs):
        drawn = draw(seed, rows=rows, champion=champion, challenger=challenger, alike=0.7, group=2)
        found = paired_differences(list(pairs_of(drawn)), groups=rows // 2, resamples=200, confidence=0.95, seed=seed)
        promoted += verdict_of(difference_checks(found, promote, trigger="")) == "promote"
    return promoted / runs


def test_equal_models_are_seldom_promoted(promote: Promote) -> None:
    assert _promoted(promote, runs=200, rows=800, champion=[0.9, 0.85], challenger=[0.9, 0.85]) <= 0.05


def test_a_gain_overall_seldom_hides_a_loss_on_a_slice(promote: Promote) -> None:
    """The loss is the margin itself, the least that must not pass."""
    assert _promoted(promote, runs=200, rows=800, champion=[0.9, 0.9], challenger=[0.97, 0.85]) <= 0.05


def test_a_true_gain_is_promoted_in_most_runs(promote: Promote) -> None:
    assert _promoted(promote, runs=60, rows=2000, champion=[0.9] * 4, challenger=[0.92] * 4) >= 0.7
