import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.ndimage import binary_dilation

from tests.faces import draw_face, face_points
from unmask.data.forging.altered import altered_regions
from unmask.data.forging.blending import Forgery, blend, feather, refusal
from unmask.data.forging.jitter import match_colour, match_shade
from unmask.data.forging.regionedit import REGIONS, Donor, Edit, edit_region
from unmask.data.forging.regions import region_mask
from unmask.data.forging.selfblend import self_blend

LABELS_OF = {
    "eyes": {"eye"},
    "mouth": {"lip", "mouth"},
    "nose": {"nose"},
    "eyebrows": {"eyebrow"},
    "skin": {"skin"},
}


# Of what the frozen sample's training was forged with: a donor's or the face's own region, feathered, matched in RGB.
DIGESTS = {
    "eyes": "2b689bda3b4e09c2",
    "mouth": "5c2dce5e4fea96d1",
    "nose": "42c54a08721ba7e4",
    "eyebrows": "18dc9bed5c513a5c",
    "skin": "8b0569fedb115e6b",
}


def _digest(forgeries: list[Forgery]) -> str:
    digest = hashlib.sha256()
    for forgery in forgeries:
        digest.update(forgery.image.tobytes() + forgery.mask.tobytes())
    return digest.hexdigest()[:16]


def differs(forgery: Forgery, image: np.ndarray) -> np.ndarray:
    return (forgery.image != image).any(axis=-1)


@hypothesis_settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_mask_of_a_self_blend_is_exactly_what_changed(seed):
    image = draw_face(seed % 7, 96)
    forgery = self_blend(image, face_points(96), np.random.default_rng(seed))
    assert np.array_equal(forgery.mask, differs(forgery, image))


@pytest.mark.parametrize("poisson", [False, True])
@pytest.mark.parametrize("method", ["donor", "self", "warp"])
@pytest.mark.parametrize("region", REGIONS)
def test_a_region_edit_changes_its_region_alone(picture, points, region, method, poisson):
    donor = Donor(draw_face(9, 128), points * 0.9 + 5) if method == "donor" else None
    forgery = edit_region(picture, points, region, np.random.default_rng(3), Edit(method, donor, poisson, "ycbcr"))
    near = binary_dilation(region_mask(points, region, (128, 128)), iterations=14)
    altered, _ = altered_regions(forgery.mask, points)
    assert np.array_equal(forgery.mask, differs(forgery, picture))
    assert not (forgery.mask & ~near).any()
    assert altered == LABELS_OF[region]


@pytest.mark.parametrize(("region", "digest"), DIGESTS.items())
def test_forgeries_of_the_frozen_settings_keep_their_bytes(picture, points, region, digest):
    donor = None if region == "skin" else Donor(draw_face(9, 128), points * 0.9 + 5)
    edits = [Edit()] if donor is None else [Edit(), Edit("donor", donor)]
    draws = [np.random.default_rng(seed) for seed in range(3)]
    assert _digest([edit_region(picture, points, region, rng, edit) for edit in edits for rng in draws]) == digest


def test_self_blends_of_the_frozen_settings_keep_their_bytes(picture, points):
    made = [self_blend(picture, points, np.random.default_rng(seed)) for seed in range(3)]
    assert _digest(made) == "17d333c7a9e3050e"


@pytest.mark.parametrize("region", REGIONS)
def test_a_poisson_seam_leaks_nowhere_and_is_none(points, region):
    """On flat pictures of two colours the blended region takes the target's colour to the bit."""
    target, source = (np.full((128, 128, 3), level, dtype=np.uint8) for level in (90, 160))
    forgery = edit_region(target, points, region, np.random.default_rng(0), Edit("donor", Donor(source, points), True))
    assert not forgery.mask.any()


def test_a_region_at_the_edge_of_the_crop_can_be_blended_by_gradients(picture, points):
    low = points + np.array([0, 24])
    forgery = edit_region(picture, low, "skin", np.random.default_rng(0), Edit("self", poisson=True))
    assert forgery.mask.any()
    assert not forgery.mask[[0, -1]].any()


def test_a_warp_fades_towards_its_rim(picture, points):
    """A stripe across the nose is bent, not cut: no neighbouring pixels are torn apart."""
    ramp = np.repeat(np.linspace(0, 250, 128).astype(np.uint8)[None, :, None], 128, axis=0).repeat(3, axis=2)
    forgery = edit_region(ramp, points, "nose", np.random.default_rng(2), Edit("warp"))
    steps = np.abs(np.diff(forgery.image.astype(int), axis=0)).max()
    assert forgery.mask.any()
    assert steps <= 4


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


def test_a_donors_skin_keeps_the_targets_light(points):
    dark, rng = np.full((128, 128, 3), 60, dtype=np.uint8), np.random.default_rng(0)
    grain = np.clip(200 + rng.normal(0, 8, dark.shape), 0, 255).astype(np.uint8)
    skin = region_mask(points, "skin", (128, 128))
    shaded = match_shade(grain, dark, skin, 6.0)[skin]
    assert shaded.mean() == pytest.approx(60, abs=2)
    assert shaded.std() == pytest.approx(8, rel=0.2)


def test_colours_are_matched_in_luma_and_chroma_too():
    rng = np.random.default_rng(0)
    image, reference = (
        np.clip(np.array(colour) + rng.normal(0, 9, (60, 60, 3)), 0, 255).astype(np.uint8)
        for colour in ((80, 90, 100), (180, 130, 110))
    )
    where = np.ones((60, 60), dtype=bool)
    matched = match_colour(image, reference, where, strength=1.0, space="ycbcr")
    assert np.allclose(matched.mean(axis=(0, 1)), reference.mean(axis=(0, 1)), atol=1)
    assert not np.array_equal(matched, match_colour(image, reference, where, strength=1.0))


def test_colours_are_matched_to_the_reference():
    rng = np.random.default_rng(0)
    image, reference = (rng.normal(mean, 10, (60, 60, 3)).clip(0, 255).astype(np.uint8) for mean in (80, 140))
    where = np.ones((60, 60), dtype=bool)
    assert match_colour(image, reference, where, strength=1.0).mean() == pytest.approx(140, abs=1.5)
    assert np.array_equal(match_colour(image, reference, where, strength=0.0), image)
