import numpy as np
import pytest

from unmask.data.forging.altered import altered_regions
from unmask.data.forging.regions import as_points, eye_distance, inside_share, label_masks, region_mask
from unmask.errors import DataError

SHAPE = (128, 128)


def test_landmarks_are_136_finite_numbers():
    with pytest.raises(DataError, match="134 numbers where 136"):
        as_points(np.zeros(134))


def test_points_keep_the_order_x_y(points):
    assert np.allclose(as_points(points.ravel()), points)


def test_eye_distance_is_between_the_centres_of_the_eyes():
    points = np.zeros((68, 2))
    points[42:48] = [30, 40]
    assert eye_distance(points) == pytest.approx(50)


def test_two_eyes_do_not_bridge_the_nose(points):
    eyes = region_mask(points, "eyes", SHAPE)
    middle = points[27:30].mean(axis=0).astype(int)
    assert eyes.any()
    assert not eyes[:, middle[0]].any()


def test_skin_holds_no_feature(points):
    masks = label_masks(points, SHAPE)
    for name in ("eye", "eyebrow", "lip", "mouth", "nose"):
        assert masks[name].any()
        assert not (masks["skin"] & masks[name]).any()


def test_growing_takes_in_more_on_all_sides(points):
    plain, grown = region_mask(points, "nose", SHAPE), region_mask(points, "nose", SHAPE, 4.0)
    assert grown.sum() > plain.sum()
    assert (plain <= grown).all()


def test_a_region_is_altered_when_enough_of_it_is(points):
    nose = label_masks(points, SHAPE)["nose"]
    altered, visible = altered_regions(nose, points)
    assert altered == {"nose"}
    assert visible == {"eye", "eyebrow", "lip", "mouth", "nose", "skin"}


def test_a_region_outside_the_crop_is_unknown(points):
    below = points + np.array([0, 45])  # the mouth has left the picture
    _, visible = altered_regions(np.ones(SHAPE, dtype=bool), below)
    assert "mouth" not in visible
    assert "eye" in visible
    assert inside_share(below, "mouth", SHAPE) == 0
