import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.evaluation.report.axes import ROOM_X, Axes, Scale, normal_deviate, share

RATES = Scale(0.001, 0.6, share, normal_deviate, (0.001, 0.01, 0.1, 0.5))


@given(low=st.floats(-1e3, 1e3), width=st.floats(1e-6, 1e3), values=st.lists(st.floats(-1e4, 1e4), min_size=2))
def test_a_scale_keeps_order_and_stays_inside(low: float, width: float, values: list[float]) -> None:
    scale = Scale(low, low + width)
    places = [scale.place(value) for value in sorted(values)]
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)
    assert all(a <= b + 1e-9 for a, b in itertools.pairwise(places))


@given(low=st.floats(-100, 100), width=st.floats(1e-3, 100))
def test_ticks_lie_inside_and_are_few(low: float, width: float) -> None:
    marks = Scale(low, low + width).marks()
    assert 2 <= len(marks) <= 12
    assert all(low - 1e-6 <= mark <= low + width + 1e-6 for mark in marks)


def test_no_tick_is_a_negative_zero() -> None:
    assert [str(mark) for mark in Scale(-0.2, 0.2).marks()].count("-0.0") == 0


def test_normal_deviates_spread_small_rates() -> None:
    assert RATES.place(0.01) > 0.2
    assert Scale(0.0, 0.6).place(0.01) < 0.02


@pytest.mark.parametrize(("value", "place"), [(0.0, 0.0), (0.9, 1.0)])
def test_what_lies_beyond_an_end_stands_at_it(value: float, place: float) -> None:
    assert RATES.place(value) == pytest.approx(place)


def test_ticks_that_would_touch_are_left_out() -> None:
    close = Scale(0.0, 1.0, ticks=(0.0, 0.01, 0.02, 0.5, 1.0))
    axes = Axes("t", "x", "y", x=close)
    drawn = [value for value in (0.0, 0.01, 0.02, 0.5, 1.0) if f'x="{axes.across(value):.1f}" y="' in axes.frame()]
    assert drawn == [0.0, 0.5, 1.0]
    assert axes.across(0.01) - axes.across(0.0) < ROOM_X
