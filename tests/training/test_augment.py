"""Augmentation cuts without resampling and repeats for a seed."""

import pytest
import torch

from unmask.config import Augment
from unmask.training.augment import _colour, augment, centre_crop, random_crop

OFF = Augment(
    jpeg_p=0.0,
    jpeg_quality=[60, 98],
    rescale_p=0.0,
    rescale_range=[0.6, 1.0],
    blur_p=0.0,
    blur_sigma=[0.1, 1.0],
    noise_p=0.0,
    noise_std=[0.0, 0.02],
    colour=0.0,
)


@pytest.fixture
def windows() -> torch.Tensor:
    return torch.randint(256, (6, 3, 40, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def test_a_crop_is_a_piece_of_the_picture_or_its_mirror(windows: torch.Tensor) -> None:
    cut = random_crop(windows, 32, torch.Generator().manual_seed(3))
    for whole, piece in zip(windows, cut, strict=True):
        candidates = [whole[:, top : top + 32, left : left + 32] for top in range(9) for left in range(9)]
        assert any(torch.equal(piece, c) or torch.equal(piece, c.flip(-1)) for c in candidates)


def test_without_any_step_pixels_stay_as_they_are(windows: torch.Tensor) -> None:
    plain = augment(windows, 32, OFF, torch.Generator().manual_seed(3))
    expected = random_crop(windows, 32, torch.Generator().manual_seed(3)).float() / 255
    assert torch.equal(plain, expected)


@pytest.mark.parametrize("step", ["jpeg_p", "rescale_p", "blur_p", "noise_p", "colour"])
def test_each_step_changes_pixels_within_range_and_repeats(windows: torch.Tensor, step: str) -> None:
    settings = Augment(**{**vars(OFF), step: 1.0})
    first, second = (augment(windows, 32, settings, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1
    assert not torch.equal(first, augment(windows, 32, OFF, torch.Generator().manual_seed(3)))


def test_centre_crop_is_central(windows: torch.Tensor) -> None:
    assert torch.equal(centre_crop(windows, 32), windows[:, :, 4:36, 4:36])


def test_autocast_does_not_round_pictures(windows: torch.Tensor) -> None:
    settings = Augment(**{**vars(OFF), "colour": 0.2})
    with torch.autocast("cpu", torch.bfloat16):
        under = augment(windows, 32, settings, torch.Generator().manual_seed(3))
    assert torch.equal(under, augment(windows, 32, settings, torch.Generator().manual_seed(3)))


def test_colour_jitter_is_brightness_then_contrast_then_saturation() -> None:
    pictures = torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    factors = 1 + 0.3 * (2 * torch.rand(3, 5, 1, 1, generator=torch.Generator().manual_seed(3)) - 1)
    brightness, contrast, saturation = factors.unsqueeze(-1)
    expected = (pictures * brightness - 0.5) * contrast + 0.5
    grey = (expected * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    expected = (expected - grey) * saturation + grey
    found = _colour(pictures, 0.3, torch.Generator().manual_seed(3))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
