"""What was mended stays mended: the two checks of the reported mistakes."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluation.comparison.conftest import PROMOTE
from unmask.evaluation.comparison.reported import reported_checks, unshared

RIGHT = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40)


def rows(right: list[bool], *, first: int = 0) -> list[dict]:
    reason = {True: "", False: "real, yet the verdict is fake"}
    return [
        {"sha256": f"{n:064x}", "label": "real", "splits": ["train"], "passed": one, "reason": reason[one]}
        for n, one in enumerate(right, first)
    ]


def passed(before: list[bool], after: list[bool]) -> list[bool]:
    return [check.passed for check in reported_checks(rows(before), rows(after), PROMOTE)]


@given(RIGHT)
def test_a_model_is_never_worse_than_itself(pairs: list[tuple[bool, bool]]) -> None:
    before = [one for one, _ in pairs]
    assert passed(before, before) == [True, True]


@given(RIGHT)
def test_losing_one_more_never_helps(pairs: list[tuple[bool, bool]]) -> None:
    before, after = (list(side) for side in zip(*pairs, strict=True))
    lost = list(after)
    if True in lost:
        lost[lost.index(True)] = False
    assert all(now or not then for then, now in zip(passed(before, lost), passed(before, after), strict=True))


def test_new_ones_need_not_all_be_mended() -> None:
    assert passed([True] * 10 + [False] * 40, [True] * 10 + [True] * 30 + [False] * 10) == [True, True]


def test_mending_many_does_not_hide_that_others_came_back() -> None:
    assert passed([True] * 10 + [False] * 40, [False] * 2 + [True] * 48) == [True, False]
    assert passed([True] * 10 + [False] * 40, [False] * 1 + [True] * 49) == [True, True]


def test_fewer_right_than_before_fails_though_few_came_back() -> None:
    checks = reported_checks(rows([True] * 20), rows([False] + [True] * 19), PROMOTE)
    assert [check.passed for check in checks] == [False, True]
    assert checks[0].reason == "20 to 19 of 20, 20 of them training pictures"
    assert "not 000000000000: real, yet the verdict is fake" in checks[1].reason


def test_all_must_stay_right_where_asked() -> None:
    strict = dataclasses.replace(PROMOTE, min_kept=1.0)
    checks = reported_checks(rows([True] * 20 + [False]), rows([False] + [True] * 20), strict)
    assert [check.passed for check in checks] == [True, False]


def test_none_reported_passes() -> None:
    assert [check.passed for check in reported_checks([], [], PROMOTE)] == [True, True]


@pytest.mark.parametrize(
    ("champion", "challenger", "why"),
    [
        (None, [], "the champion was not scored"),
        ([], None, "the challenger was not scored"),
        ([], rows([True]), "different lists"),
        (rows([True]), rows([True], first=1), "different lists"),
    ],
)
def test_what_was_not_scored_on_both_sides_does_not_pass(champion, challenger, why: str) -> None:
    checks = reported_checks(champion, challenger, PROMOTE)
    assert not any(check.passed for check in checks)
    assert all(why in check.reason for check in checks)


def test_rows_of_one_side_only_are_counted() -> None:
    assert unshared(rows([True] * 3), rows([True] * 3, first=2)) == 4
    assert unshared(None, None) == 0
