from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from unmask.data.preprocess import PreprocessSpec, centre, crop, window, window_box

SPEC = PreprocessSpec(size_px=32, window_px=40, shrink=True)
CUT = PreprocessSpec(size_px=32, window_px=40, shrink=False)


@given(st.integers(1, 120), st.integers(1, 120), st.booleans())
def test_shapes_hold_for_every_size(width: int, height: int, shrink: bool) -> None:
    spec = PreprocessSpec(size_px=32, window_px=40, shrink=shrink)
    image = Image.new("RGB", (width, height), (10, 20, 30))
    assert window(image, spec).shape == (40, 40, 3)
    cut = crop(image, spec)
    assert cut.shape == (32, 32, 3)
    assert cut.dtype == np.uint8
    assert (cut == [10, 20, 30]).all()


def test_a_picture_of_the_window_s_size_is_untouched(draw_picture: Callable[..., Image.Image]) -> None:
    image = draw_picture(3, (40, 40))
    assert np.array_equal(window(image, SPEC), np.asarray(image))


def test_crop_is_the_centre_of_the_window(draw_picture: Callable[..., Image.Image]) -> None:
    image = draw_picture(3, (90, 70))
    assert np.array_equal(crop(image, SPEC), window(image, SPEC)[4:36, 4:36])


def test_without_shrinking_pixels_are_cut_not_resampled(draw_picture: Callable[..., Image.Image]) -> None:
    image = draw_picture(3, (90, 70))
    assert np.array_equal(window(image, CUT), np.asarray(image)[15:55, 25:65])


def test_a_small_picture_is_reflected_not_enlarged(draw_picture: Callable[..., Image.Image]) -> None:
    image = draw_picture(3, (36, 40))
    pixels = window(image, SPEC)
    assert np.array_equal(pixels[:, 2:38], np.asarray(image))
    assert np.array_equal(pixels[:, 1], np.asarray(image)[:, 1])


def test_shrinking_shows_the_whole_shorter_side() -> None:
    assert window_box(200, 100, SPEC) == (50, 0, 150, 100)


def test_without_shrinking_the_box_is_the_window() -> None:
    assert window_box(200, 100, CUT) == (80, 30, 120, 70)


def test_a_batch_is_cut_as_one_picture_is(draw_picture: Callable[..., Image.Image]) -> None:
    pixels = window(draw_picture(3), SPEC)
    assert np.array_equal(centre(np.stack([pixels, pixels]), 32)[1], centre(pixels, 32))


def test_the_window_must_hold_the_crop() -> None:
    with pytest.raises(ValueError, match="size_px"):
        PreprocessSpec(size_px=41, window_px=40, shrink=True)
