import io

import numpy as np
import pytest
from PIL import Image

from tests.faces import draw_face, face_points
from unmask.data.forging.altered import altered_regions
from unmask.data.forging.difference import DIFFERENCE, UNCHANGED, Bounds, compare
from unmask.data.forging.regions import region_mask
from unmask.data.forging.warping import around, transform, warp

SIDE = 160
POINTS = transform(face_points(SIDE), around(np.array([80.0, 80.0]), scale=0.7))
BOUNDS = Bounds(factor=2.0, floor=3 / 255, shift_px=1.75, min_area=0.003)


def coded(image: np.ndarray, quality: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream).convert("RGB"))


def scene(seed: int) -> np.ndarray:
    """Lively enough that a shift of a pixel shows."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 220, (40, 40, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def forged(real: np.ndarray, region: str, other: int = 9) -> tuple[np.ndarray, np.ndarray]:
    where = region_mask(POINTS, region, (SIDE, SIDE), 3.0)
    return np.where(where[..., None], scene(other), real).astype(np.uint8), where


def held(real: np.ndarray, fake: np.ndarray, real_points: np.ndarray | None = POINTS):
    return compare(real, fake, real_points=real_points, points=POINTS, bounds=BOUNDS)


@pytest.mark.parametrize("quality", [95, 75, 60])
@pytest.mark.parametrize(("region", "labels"), [("mouth", {"lip", "mouth"}), ("nose", {"nose"}), ("eyes", {"eye"})])
def test_a_changed_region_is_found_through_recompression(region, labels, quality):
    real = scene(1)
    fake, where = forged(real, region)
    found = held(coded(real, 90), coded(fake, quality))
    assert found.outcome == DIFFERENCE
    assert (found.mask & where).sum() / (found.mask | where).sum() > 0.6
    assert altered_regions(found.mask, POINTS)[0] == labels


@pytest.mark.parametrize("quality", [90, 60, 30])
def test_recompression_alone_is_no_change(quality):
    assert held(scene(1), coded(scene(1), quality)).outcome == UNCHANGED


@pytest.mark.parametrize("moved_px", [2, 4, 9])
def test_a_crop_cut_elsewhere_is_not_compared(moved_px):
    fake, _ = forged(scene(1), "mouth")
    assert held(np.roll(scene(1), moved_px, axis=1), fake).outcome == "real and fake differ around the face"


def test_another_moment_is_not_compared():
    found = held(scene(2), forged(scene(1), "mouth")[0])
    assert (found.mask, found.outcome) == (None, "real and fake differ around the face")


def test_a_picture_synthesised_as_a_whole_is_not_compared():
    assert held(scene(1), draw_face(3, SIDE)).mask is None


def test_a_pair_of_other_sizes_is_laid_over_by_the_landmarks():
    fake, where = forged(scene(1), "nose")
    zoom = np.array([[1.1, 0, 0], [0, 1.1, 0]])
    real, _ = warp(scene(1), zoom, (176, 176))
    found = compare(real, fake, real_points=transform(POINTS, zoom), points=POINTS, bounds=BOUNDS)
    assert found.outcome == DIFFERENCE
    assert (found.mask & where).sum() / (found.mask | where).sum() > 0.5
    assert altered_regions(found.mask, POINTS)[0] == {"nose"}


@pytest.mark.parametrize(("side", "points"), [(400, POINTS), (176, None)])
def test_a_pair_that_cannot_be_laid_over_says_so(side, points):
    real = np.zeros((side, side, 3), dtype=np.uint8)
    assert held(real, scene(1), points).outcome == "real and fake differ in size"


def test_a_face_that_fills_its_crop_leaves_nothing_to_compare_by():
    wide = transform(face_points(SIDE), around(np.array([80.0, 80.0]), scale=1.6))
    found = compare(scene(1), scene(1), real_points=wide, points=wide, bounds=BOUNDS)
    assert found.outcome == "too little around the face to compare by"


def test_a_change_below_the_floor_is_none():
    real = scene(1) // 2
    fake = real + (2 * region_mask(POINTS, "skin", (SIDE, SIDE))[..., None]).astype(np.uint8)
    assert held(real, fake).outcome == UNCHANGED


def test_specks_and_changes_away_from_the_face_are_no_part_of_the_mask():
    fake, _ = forged(scene(1), "mouth")
    fake[2:7, 2:7] = 0  # a logo in the corner
    found = held(scene(1), fake)
    assert found.mask.any()
    assert not found.mask[:12, :12].any()
