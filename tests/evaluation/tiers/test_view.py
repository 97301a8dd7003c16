import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from unmask.evaluation.tiers.view import View


def picture(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def test_the_box_follows_a_change_of_size() -> None:
    view = View(picture(100, 80), (10, 20, 50, 60)).resized(picture(50, 20))
    assert view.box == (5, 5, 25, 15)


def test_the_box_follows_a_window_and_ends_at_its_border() -> None:
    view = View(picture(100, 80), (10, 20, 50, 60)).cut((20, 10, 90, 70))
    assert view.image.size == (70, 60)
    assert view.box == (0, 10, 30, 50)


def test_a_view_of_the_whole_picture_stays_one() -> None:
    view = View(picture(100, 80))
    assert view.resized(picture(50, 40)).box is None
    assert view.cut((0, 0, 30, 30)).box is None
    assert view.crop(256)[0].size == (100, 80)


def test_the_crop_is_the_picture_s_own_pixels_and_shrunk_only_above_the_limit() -> None:
    image = picture(100, 80)
    crop, side_px = View(image, (10, 20, 50, 50)).crop(256)
    assert np.array_equal(np.asarray(crop), np.asarray(image)[20:50, 10:50])
    assert side_px == 30
    shrunk, side_px = View(image, (10, 20, 50, 50)).crop(20)
    assert (shrunk.size, side_px) == ((20, 15), 30)


@given(
    st.tuples(*[st.floats(-50, 150)] * 4).map(lambda box: (*map(min, box[:2], box[2:]), *map(max, box[:2], box[2:]))),
    st.integers(1, 60),
    st.integers(1, 60),
)
def test_every_box_gives_a_crop_inside_the_picture(box: tuple[float, ...], width: int, height: int) -> None:
    crop, _ = View(picture(width, height), box).crop(256)  # type: ignore[arg-type]
    assert 1 <= crop.width <= width
    assert 1 <= crop.height <= height


@pytest.mark.parametrize("box", [None, (0.0, 0.0, 4.0, 4.0)])
def test_a_view_leaves_its_picture_as_it_was(box: tuple[float, float, float, float] | None) -> None:
    image = picture(8, 8)
    before = image.tobytes()
    View(image, box).cut((1, 1, 4, 4)).crop(2)
    assert image.tobytes() == before
