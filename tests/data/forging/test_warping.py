import numpy as np
import pytest

from unmask.data.forging.warping import around, elastic, similarity, transform, warp


def test_similarity_finds_the_motion_that_was_made(points):
    made = around(points.mean(axis=0), scale=1.7, degrees=25, shift=np.array([5.0, -3.0]))
    assert np.allclose(similarity(points, transform(points, made)), made)


def test_similarity_never_mirrors(points):
    mirrored = points * [-1, 1]
    assert np.linalg.det(similarity(points, mirrored)[:, :2]) > 0


def test_warping_by_nothing_changes_nothing(picture):
    moved, covered = warp(picture, np.eye(2, 3), picture.shape[:2])
    assert np.array_equal(moved, picture)
    assert covered.all()


def test_a_warp_moves_a_dot_where_the_points_go():
    image = np.zeros((40, 40, 3), dtype=np.uint8)
    image[10, 12] = 255
    moved, covered = warp(image, np.array([[1.0, 0, 5], [0, 1, 7]]), (40, 40))
    assert np.unravel_index(moved[..., 0].argmax(), (40, 40)) == (17, 17)
    assert not covered[:7].any()
    assert not covered[:, :5].any()


def test_elastic_displacement_stays_within_its_amplitude():
    plane = np.tile(np.arange(64, dtype=np.float32), (64, 1))
    moved = elastic(plane, np.random.default_rng(0), amplitude_px=3.0)
    assert 0 < np.abs(moved - plane).max() == pytest.approx(3.0, abs=1.5)
