"""Fine detail and grain given back to altered content, as careful forgers do."""

import numpy as np
from numpy.typing import NDArray

from unmask.data.sample.fields import Field, Numbers, Rng

RINGS = 24  # bands of spatial frequency up to the diagonal
FIRST_RING = 3  # slower variation is the picture's content, not its detail
LARGEST_GAIN = 2.0


def match_detail(content: Field, original: Field, mask: Field, *, share: float, rng: Rng) -> Field:
    """Give CONTENT (H, W, 3) the radial power spectrum that ORIGINAL has under the mask (H, W).

    Band by band the content is sharpened, then gets grain for what is still missing; SHARE 1 makes up for all of it.
    The power spectrum then tells little. What the grain lacks is what demosaicing leaves in a camera's noise, and
    that it grows with light.
    """
    ring, soft = _rings(mask.shape), mask[..., None]
    wanted, own = _power(original * soft, ring), _power(content * soft, ring)
    gain = np.clip(np.sqrt(wanted / (own + 1e-6)), 1 / LARGEST_GAIN, LARGEST_GAIN) ** share
    gain[:FIRST_RING] = 1.0
    white = rng.standard_normal(content.shape)
    white = 0.95 * white.mean(-1, keepdims=True) * np.sqrt(3) + 0.3 * white
    level = np.sqrt(np.clip(wanted - gain**2 * own, 0, None) / (_power(white * soft, ring) + 1e-6)) * share
    level[:FIRST_RING] = 0.0
    return np.asarray(_filter(content, gain[ring]) + _filter(white, level[ring]), np.float32)


def _rings(shape: tuple[int, ...]) -> NDArray[np.intp]:
    across = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None, :])
    return np.asarray(np.minimum((across * np.sqrt(2) * RINGS).astype(np.intp), RINGS - 1), np.intp)


def _power(picture: Numbers, ring: NDArray[np.intp]) -> Numbers:
    """Spectral power by ring and channel, (RINGS, 3)."""
    spectrum = np.abs(np.fft.fft2(picture, axes=(0, 1))) ** 2
    return np.stack([np.bincount(ring.ravel(), spectrum[..., c].ravel(), RINGS) for c in range(3)], -1)


def _filter(picture: Numbers, gain: Numbers) -> Numbers:
    return np.asarray(np.fft.ifft2(np.fft.fft2(picture, axes=(0, 1)) * gain, axes=(0, 1)).real, np.float32)
