import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unmask.serving.bundle import Preprocessing
from unmask.serving.crops import crop_box, visible
from unmask.serving.runtime import prepare

SETTINGS = Preprocessing(size_px=32, window_px=40, shrink=True, max_side_px=64, min_side_px=24)
SIDES = st.integers(24, 300)
OFFSETS, LENGTHS = st.floats(-90, 90), st.integers(1, 300)


def ramp(width, height):
    """A picture whose red tells how far right a pixel is, and whose green how far down."""
    across, down = np.meshgrid(255 * np.arange(width) / width, 255 * np.arange(height) / height)
    return Image.fromarray(np.stack([across, down, down], axis=-1).round().astype(np.uint8))


@given(width=SIDES, height=SIDES, shrink=st.booleans(), longest=st.sampled_from([48, 64, 120, 400]))
@settings(deadline=None, max_examples=40)
def test_the_box_is_where_the_crop_was_cut(width, height, shrink, longest):
    how = dataclasses.replace(SETTINGS, shrink=shrink, max_side_px=longest)
    picture = ramp(width, height)
    pixels, (x0, y0, x1, y1) = prepare(picture, how), crop_box(width, height, how)
    places = (np.arange(32) + 0.5) / 32
    across, down = x0 + places * (x1 - x0), y0 + places * (y1 - y0)
    # Columns and rows that show the picture itself, and not its reflection; resampling blurs the border.
    inner = [(at > 0.1 * side) & (at < 0.9 * side) for at, side in ((across, width), (down, height))]
    blur = 255 * (1.5 * (x1 - x0) / 32 / np.array([width, height])) + 2
    assert pixels[16, inner[0], 0] == pytest.approx(255 * (across[inner[0]] - 0.5) / width, abs=blur[0])
    assert pixels[inner[1], 16, 1] == pytest.approx(255 * (down[inner[1]] - 0.5) / height, abs=blur[1])


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((64, 64), (6.4, 6.4, 57.6, 57.6)),  # shrunk to the window of 40, the crop 4 inside it
        ((128, 64), (32, 0, 96, 64)),  # first to 64 x 32, of which the crop shows all that is high
        ((30, 50), (-1, 9, 31, 41)),  # 30 px in a crop of 32: one beyond on each side
    ],
)
def test_known_boxes(size, box):
    assert crop_box(*size, SETTINGS) == pytest.approx(box)


@given(corner=st.tuples(OFFSETS, OFFSETS), side=st.floats(1, 400), size=st.tuples(LENGTHS, LENGTHS))
def test_a_place_is_never_empty_and_never_beyond_the_picture(corner, side, size):
    (x, y), (width, height) = corner, size
    left, top, right, bottom = visible((x, y, x + side, y + side), size)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


@pytest.mark.parametrize(
    ("box", "size", "place"),
    [
        ((6.4, 6.6, 57.4, 57.6), (64, 64), (6, 6, 58, 58)),
        ((-25, 0, 75, 100), (200, 90), (0, 0, 75, 90)),
    ],
)
def test_known_places(box, size, place):
    assert visible(box, size) == place
