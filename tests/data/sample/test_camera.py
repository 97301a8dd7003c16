import numpy as np
import pytest

from unmask.data.sample.camera import MODELS, photograph
from unmask.data.sample.fields import stream


def flat(level: float) -> np.ndarray:
    return np.full((256, 256, 3), level, np.float32)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_grey_card_stays_about_grey(name: str) -> None:
    picture = photograph(flat(0.3), 128, MODELS[name], stream(1)).astype(float)
    middle = picture[32:96, 32:96].mean((0, 1))
    assert 90 < middle.mean() < 200
    assert np.ptp(middle) < 25


@pytest.mark.parametrize("name", sorted(MODELS))
def test_demosaicing_leaves_a_lattice_in_the_noise(name: str) -> None:
    residuals = [_residual(photograph(flat(0.3), 128, MODELS[name], stream(k)).astype(float)) for k in range(8)]
    phases = [np.mean([(r[a::2, b::2] ** 2).mean() for r in residuals]) for a in (0, 1) for b in (0, 1)]
    assert max(phases) / min(phases) > 1.02


def _residual(picture: np.ndarray) -> np.ndarray:
    green = picture[..., 1]
    return green[1:-1, 1:-1] - 0.25 * (green[:-2, 1:-1] + green[2:, 1:-1] + green[1:-1, :-2] + green[1:-1, 2:])
