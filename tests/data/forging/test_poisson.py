import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from unmask.data.forging.poisson import seamless

SIDE = 24


def disc(radius: float = 8) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return (y - 12) ** 2 + (x - 11) ** 2 < radius**2


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def test_a_source_that_is_the_target_but_brighter_comes_back_as_the_target():
    target = noise(0) // 2
    assert np.allclose(seamless(target, target + np.uint8(90), disc())[disc()], target[disc()])


def test_a_planes_tilt_is_taken_over_from_the_rim():
    x = np.tile(np.arange(SIDE, dtype=np.uint8)[:, None], (SIDE, 1, 3))
    flat = np.full_like(x, 40)
    assert np.allclose(seamless(x, flat, disc())[disc()], x[disc()])


@hypothesis_settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), radius=st.floats(1, 9))
def test_the_gradients_inside_are_the_sources_and_the_rim_is_the_targets(seed, radius):
    target, source, where = noise(seed), noise(seed + 1), disc(radius)
    blended = np.where(where[..., None], seamless(target, source, where), target)

    def laplacian(image: np.ndarray) -> np.ndarray:
        image = image.astype(np.float64)
        return sum(np.roll(image, step, axis) for step in (-1, 1) for axis in (0, 1)) - 4 * image

    assert np.allclose(laplacian(blended)[where], laplacian(source)[where], atol=1e-3)


def test_an_empty_region_changes_nothing():
    assert np.array_equal(seamless(noise(0), noise(1), np.zeros((SIDE, SIDE), dtype=bool)), noise(1))


def test_a_region_at_the_edge_has_no_rim_and_is_refused():
    where = np.zeros((SIDE, SIDE), dtype=bool)
    where[0, 5] = True
    with pytest.raises(ValueError, match="edge"):
        seamless(noise(0), noise(1), where)
