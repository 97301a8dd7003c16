import numpy as np

from unmask.data.sample.detail import _power, _rings, match_detail
from unmask.data.sample.fields import blur, noise, stream


def test_blurred_content_gets_the_power_spectrum_of_the_original_back() -> None:
    rng = stream(2)
    original = np.stack([20 * rng.standard_normal((96, 96)) + 60 * noise(rng, (96, 96), (9, 9)) for _ in range(3)], -1)
    original = original.astype(np.float32)
    mask = np.ones((96, 96), np.float32)
    made = match_detail(blur(original, 1.2), original, mask, share=1.0, rng=rng)
    ring = _rings(mask.shape)
    wanted, got = _power(original, ring)[4:], _power(made, ring)[4:]
    assert np.abs(np.log(got.sum(1) / wanted.sum(1))).max() < 0.25


def test_share_zero_changes_nothing() -> None:
    content = stream(3).random((64, 64, 3), np.float32)
    original = stream(4).random((64, 64, 3), np.float32)
    made = match_detail(content, original, np.ones((64, 64), np.float32), share=0.0, rng=stream(5))
    assert np.abs(made - content).max() < 1e-5
