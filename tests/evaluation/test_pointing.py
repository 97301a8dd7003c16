import numpy as np
import pytest
from PIL import Image

from unmask.data.preprocess import PreprocessSpec
from unmask.evaluation.pointing import TOLERANCE, judge, mask_crop

SIZE = 100


def _mask(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    mask[rows, columns] = True
    return mask


def _pointing_at(row: int, column: int) -> np.ndarray:
    heat = np.zeros((4, 4), dtype=np.float32)
    heat[row, column] = 1.0
    return heat


def test_the_highest_cell_hits_where_its_centre_is_forged() -> None:
    corner = _mask(slice(0, 25), slice(75, 100))
    hits = {(row, column) for row in range(4) for column in range(4) if judge(_pointing_at(row, column), corner)["hit"]}
    assert hits == {(0, 3)}


@pytest.mark.parametrize(("gap", "hit"), [(3, True), (4, False)])
def test_a_hit_may_lie_beside_the_mask_by_the_tolerance(gap: int, hit: bool) -> None:
    assert round(TOLERANCE * SIZE) == 3
    found = judge(_pointing_at(0, 0), _mask(slice(12 + gap, 40), slice(0, 40)))  # the cell's centre is row 12
    assert found["hit"] is hit


def test_chance_is_what_a_random_place_reaches_with_the_same_tolerance() -> None:
    mask = _mask(slice(40, 60), slice(30, 50))
    found = judge(_pointing_at(0, 0), mask)
    random = np.random.default_rng(0).integers(0, SIZE, (4000, 2))
    heat = np.zeros((SIZE, SIZE), dtype=np.float32)
    hits = []
    for row, column in random[:400]:
        heat[:] = 0
        heat[row, column] = 1
        hits.append(judge(heat, mask)["hit"])
    assert found["share"] == pytest.approx(np.mean(hits), abs=0.05)
    assert found["centre"]


def test_a_mask_outside_the_crop_is_no_round() -> None:
    assert judge(_pointing_at(0, 0), _mask(slice(0), slice(0)))["outcome"] == "cut off"


def test_a_mask_that_no_place_misses_is_no_round() -> None:
    assert judge(_pointing_at(0, 0), _mask(slice(2, SIZE), slice(SIZE)))["outcome"] == "everywhere"


@pytest.mark.parametrize("shrink", [False, True])
def test_a_mask_is_cut_as_its_picture(shrink: bool) -> None:
    spec = PreprocessSpec(40, 60, shrink=shrink)
    picture = np.zeros((80, 100), dtype=np.uint8)
    picture[38:42, 48:52] = 255
    found = mask_crop(Image.fromarray(picture), spec)
    side = 3 if shrink else 4
    assert found.shape == (40, 40)
    assert np.argwhere(found).mean(axis=0) == pytest.approx([19.5, 19.5], abs=0.6)
    assert found.sum() == pytest.approx(side * side, abs=1.5 * side)
