import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.data.forging.overlap import moved, overlap_of, shrunk_apart

PICTURE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def row(box: tuple[int, int, int, int] | None, **changed: object) -> dict[str, object]:
    width, height = (80, 60) if box is None else (box[2] - box[0], box[3] - box[1])
    facts = {"crop_box": box, "width": width, "height": height, "picture_width": 80, "picture_height": 60}
    return {**facts, **changed}


def crop(box: tuple[int, int, int, int]) -> np.ndarray:
    return PICTURE[box[1] : box[3], box[0] : box[2]]


BOXES = st.tuples(st.integers(0, 30), st.integers(0, 20), st.integers(41, 80), st.integers(31, 60))


@given(fake=BOXES, real=BOXES)
def test_both_cuts_show_the_same_pixels(fake, real) -> None:
    shared = overlap_of(row(fake), row(real))
    assert np.array_equal(shared.cut(crop(fake), shared.fake), shared.cut(crop(real), shared.real))


@given(fake=BOXES, real=BOXES)
def test_a_mask_goes_back_to_where_it_was(fake, real) -> None:
    shared = overlap_of(row(fake), row(real))
    mask = np.ones((shared.size[1], shared.size[0]), dtype=bool)
    shape = fake[3] - fake[1], fake[2] - fake[0]
    whole = shared.laid_back(mask, shape)
    assert whole.shape == shape
    assert whole.sum() == mask.sum()
    assert shared.cut(whole, shared.fake).all()


def test_points_move_with_the_corner() -> None:
    assert moved(np.array([[5.0, 9.0]]), (2, 3)).tolist() == [[3.0, 6.0]]


@pytest.mark.parametrize(
    ("fake", "real"),
    [
        (row(None), row(None)),
        (row((0, 0, 50, 50)), row(None)),
        (row((0, 0, 50, 50), width=25, height=25), row((2, 0, 52, 50))),
        (row((0, 0, 50, 50), picture_width=81), row((2, 0, 52, 50))),
        (row((0, 0, 20, 20)), row((30, 30, 50, 50))),
    ],
)
def test_whole_shrunk_foreign_and_distant_crops_share_nothing(fake, real) -> None:
    assert overlap_of(fake, real) is None


@pytest.mark.parametrize(
    ("fake", "real", "apart"),
    [
        (row(None), row(None), False),
        (row((0, 0, 50, 50)), row((2, 0, 52, 50)), False),
        (row((0, 0, 50, 50), width=25, height=25), row((0, 0, 50, 50), width=25, height=25), False),
        (row((0, 0, 50, 50), width=25, height=25), row((0, 0, 60, 60), width=25, height=25), True),
        (row((0, 0, 50, 50)), row(None), True),
    ],
)
def test_crops_that_were_shrunk_from_different_places_are_told(fake, real, apart) -> None:
    assert shrunk_apart(fake, real) is apart
