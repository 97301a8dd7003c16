import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation

from tests.faces import draw_face, face_points
from unmask.data.forging.altered import altered_regions
from unmask.data.forging.blending import Forgery, blend, feather, refusal
from unmask.data.forging.jitter import match_colour
from unmask.data.forging.regionedit import REGIONS, Donor, edit_region
from unmask.data.forging.regions import region_mask
from unmask.data.forging.selfblend import self_blend

LABELS_OF = {
    "eyes": {"eye"},
    "mouth": {"lip", "mouth"},
    "nose": {"nose"},
    "eyebrows": {"eyebrow"},
    "skin": {"skin"},
}


def differs(forgery: Forgery, image: np.ndarray) -> np.ndarray:
    return (forgery.image != image).any(axis=-1)


@hypothesis_settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_mask_of_a_self_blend_is_exactly_what_changed(seed):
    image = draw_face(seed % 7, 96)
    forgery = self_blend(image, face_points(96), np.random.default_rng(seed))
    assert np.array_equal(forgery.mask, differs(forgery, image))


@pytest.mark.parametrize("with_donor", [False, True])
@pytest.mark.parametrize("region", REGIONS)
def test_a_region_edit_changes_its_region_alone(picture, points, region, with_donor):
    donor = Donor(draw_face(9, 128), points * 0.9 + 5) if with_donor else None
    forgery = edit_region(picture, points, region, np.random.default_rng(3), donor=donor)
    near = binary_dilation(region_mask(points, region, (128, 128)), iterations=14)
    altered, _ = altered_regions(forgery.mask, points)
    assert np.array_equal(forgery.mask, differs(forgery, picture))
    assert not (forgery.mask & ~near).any()
    assert altered == LABELS_OF[region]


def test_the_same_seed_gives_the_same_forgery(picture, points):
    first, second = (self_blend(picture, points, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(first.image, second.image)


def test_a_blend_without_weight_is_the_target(picture):
    forgery = blend(picture, 255 - picture, np.zeros((128, 128), dtype=np.float32))
    assert np.array_equal(forgery.image, picture)
    assert not forgery.mask.any()
    assert forgery.change == 0


def test_the_change_is_the_mean_over_the_mask():
    target = np.full((10, 10, 3), 100, dtype=np.uint8)
    weight = np.zeros((10, 10), dtype=np.float32)
    weight[:5] = 1
    forgery = blend(target, target + np.uint8(51), weight)
    assert forgery.change == pytest.approx(51 / 255)
    assert forgery.area == pytest.approx(0.5)


def test_feathering_goes_inwards():
    mask = np.zeros((40, 40), dtype=np.float32)
    mask[10:30, 10:30] = 1
    soft = feather(mask, 2.0)
    assert soft[20, 20] == pytest.approx(1, abs=1e-3)
    assert soft[20, 10] < 0.35
    assert soft[mask == 0].max() < 0.3


def test_faint_and_tiny_changes_are_refused():
    whole, dot = np.ones((10, 10), dtype=bool), np.zeros((10, 10), dtype=bool)
    bounds = {"min_change": 3 / 255, "min_area": 0.003}
    assert "faint" in str(refusal(Forgery(np.zeros(0), whole, change=2 / 255), **bounds))
    assert "small" in str(refusal(Forgery(np.zeros(0), dot, change=1.0), **bounds))
    assert refusal(Forgery(np.zeros(0), whole, change=4 / 255), **bounds) is None


def test_colours_are_matched_to_the_reference():
    rng = np.random.default_rng(0)
    image, reference = (rng.normal(mean, 10, (60, 60, 3)).clip(0, 255).astype(np.uint8) for mean in (80, 140))
    where = np.ones((60, 60), dtype=bool)
    assert match_colour(image, reference, where, strength=1.0).mean() == pytest.approx(140, abs=1.5)
    assert np.array_equal(match_colour(image, reference, where, strength=0.0), image)
