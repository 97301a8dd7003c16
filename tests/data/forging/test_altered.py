import numpy as np

from tests.faces import face_points
from unmask.data.forging.altered import altered_regions, visible_regions

SIDE = 160
POINTS = face_points(SIDE)
ALL = {"eye", "eyebrow", "lip", "mouth", "nose", "skin"}


def test_a_face_inside_the_crop_shows_all_regions() -> None:
    assert visible_regions(POINTS, (SIDE, SIDE)) == ALL


def test_a_region_that_the_crop_cut_off_mostly_is_unknown() -> None:
    mouth_top = float(POINTS[48:60, 1].min())
    low = POINTS + np.array([0, SIDE - mouth_top - 4], dtype=POINTS.dtype)
    shown = visible_regions(low, (SIDE, SIDE))
    assert not shown & {"mouth", "lip"}
    assert "eye" in shown


def test_a_cut_off_region_is_not_altered_either() -> None:
    far = POINTS + np.array([10_000.0, 0.0], dtype=POINTS.dtype)
    assert altered_regions(np.ones((SIDE, SIDE), dtype=bool), far) == (set(), set())
