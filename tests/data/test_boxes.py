import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.data.boxes import Box, intersection_over_union

CORNERS, SIDES = st.integers(0, 30), st.integers(1, 30)
BOXES = st.builds(lambda x, y, w, h: (x, y, x + w, y + h), CORNERS, CORNERS, SIDES, SIDES)


@pytest.mark.parametrize(
    ("other", "share"),
    [((0, 0, 4, 2), 1), ((2, 0, 4, 2), 0.5), ((2, 1, 6, 3), 1 / 7), ((4, 0, 8, 2), 0), ((9, 9, 10, 10), 0)],
)
def test_the_share_of_two_boxes(other: Box, share: float) -> None:
    assert intersection_over_union((0, 0, 4, 2), other) == pytest.approx(share)


@given(BOXES, BOXES)
def test_it_is_the_share_of_the_pixels_of_both(one: Box, other: Box) -> None:
    pixels = [{(x, y) for x in range(b[0], b[2]) for y in range(b[1], b[3])} for b in (one, other)]
    expected = len(pixels[0] & pixels[1]) / len(pixels[0] | pixels[1])
    assert intersection_over_union(one, other) == pytest.approx(expected)


def test_a_box_without_area_shares_nothing() -> None:
    assert intersection_over_union((1, 1, 1, 1), (1, 1, 1, 1)) == 0
