import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from unmask.serving.overlay import COLOURS, MAX_SIDE_PX, OPACITY, draw_overlay, strength

MAPS = hnp.arrays(np.float32, (3, 4), elements=st.floats(-50, 50, width=32))


def layer(found, **where):
    return np.asarray(Image.open(io.BytesIO(draw_overlay(np.asarray(found, np.float32), **where))))


@given(MAPS)
def test_strength_is_a_share_of_the_highest_and_what_speaks_against_has_none(found):
    shown = strength(found)
    assert shown.shape == found.shape
    assert shown.min() >= 0
    assert shown.max() == (1 if found.max() > 0 else 0)
    assert not shown[found <= 0].any()


@given(found=MAPS, factor=st.sampled_from([0.25, 0.5, 2.0]))
def test_strength_keeps_the_order_whatever_the_scale(found, factor):
    assert strength(found * factor) == pytest.approx(strength(found), abs=1e-6)


def test_the_highest_place_is_drawn_where_it_lies():
    found = np.full((4, 4), -1.0)
    found[1, 2] = 3.0
    drawn = layer(found, box=(100, 20, 180, 100), size=(300, 300), verdict="fake")
    row, column = np.unravel_index(drawn[..., 3].argmax(), drawn.shape[:2])
    assert (row // 20, column // 20) == (1, 2)
    assert drawn[70:, :30, 3].max() == 0
    assert drawn[30, 50].tolist() == pytest.approx([*COLOURS[255], 255 * OPACITY["fake"]], abs=40)


def test_what_lies_beyond_the_picture_is_cut_off():
    found = np.zeros((4, 4))
    found[:, 0] = 1.0  # beyond the left border
    found[3, 3] = 2.0
    drawn = layer(found, box=(-25, 0, 75, 100), size=(200, 90), verdict="fake")
    assert drawn.shape == (90, 75, 4)
    assert drawn[20, 40, 3] == 0
    assert drawn[88, 70, 3] == pytest.approx(255 * OPACITY["fake"], abs=15)


def test_a_large_crop_has_a_small_layer():
    drawn = layer(np.ones((4, 4)), box=(0, 0, 4000, 2000), size=(4000, 2000), verdict="uncertain")
    assert drawn.shape == (MAX_SIDE_PX // 2, MAX_SIDE_PX, 4)
    assert set(drawn[..., 3].ravel()) == {round(255 * OPACITY["uncertain"])}


def test_where_nothing_speaks_for_a_forgery_nothing_is_coloured():
    drawn = layer(-np.ones((4, 4)), box=(0, 0, 64, 64), size=(64, 64), verdict="uncertain")
    assert not drawn[..., 3].any()


def test_the_colours_brighten_evenly():
    """In CIE lightness, of which viridis gains about 76 over its length."""
    linear = np.where(COLOURS / 255 <= 0.04045, COLOURS / 255 / 12.92, ((COLOURS / 255 + 0.055) / 1.055) ** 2.4)
    lightness = 116 * np.cbrt(linear @ [0.2126, 0.7152, 0.0722]) - 16
    steps = np.diff(lightness[::17])
    assert steps.min() > 0
    assert steps.max() < 2 * steps.mean()
