"""Augmentation cuts without resampling, does what its steps are called, and repeats for a seed."""

import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms.v2 import functional as F
from torchvision.transforms.v2.functional import pil_to_tensor, to_pil_image

from unmask.config import Augment
from unmask.training.augment import (
    _blur,
    _colour,
    _rescale,
    augment,
    centre_crop,
    draw_histories,
    random_crop,
)

OFF = Augment(
    jpeg_p=0.0,
    jpeg_quality=[60, 98],
    rescale_p=0.0,
    rescale_range=[0.6, 1.0],
    blur_p=0.0,
    blur_sigma=[0.1, 1.0],
    noise_p=0.0,
    noise_std=[0.0, 0.02],
    webp_p=0.0,
    webp_quality=[60, 95],
    colour=0.0,
)


@pytest.fixture
def windows() -> torch.Tensor:
    return torch.randint(256, (6, 3, 40, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def smooth() -> torch.Tensor:
    coarse = torch.rand(4, 3, 5, 5, generator=torch.Generator().manual_seed(1))
    return F.resize(coarse, [40, 40]).mul(255).to(torch.uint8)


DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]


def seeded(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_crop_is_a_piece_of_the_picture_or_its_mirror(windows: torch.Tensor) -> None:
    rows = [4, 0, 4, 2]
    cut = random_crop(windows, rows, 32, seeded())
    for row, piece in zip(rows, cut, strict=True):
        candidates = [windows[row, :, top : top + 32, left : left + 32] for top in range(9) for left in range(9)]
        assert any(torch.equal(piece, c) or torch.equal(piece, c.flip(-1)) for c in candidates)


def test_crops_lie_everywhere_and_half_are_mirrored() -> None:
    place = torch.arange(40, dtype=torch.uint8).expand(1, 3, 40, 40)
    cut = random_crop(place, [0] * 400, 32, seeded())
    mirrored = cut[:, 0, 0, 0] > cut[:, 0, 0, -1]
    assert 150 < int(mirrored.sum()) < 250
    assert set(cut[~mirrored][:, 0, 0, 0].tolist()) == set(range(9))


def test_without_any_step_pixels_stay_as_they_are(windows: torch.Tensor) -> None:
    assert torch.equal(augment(windows, OFF, seeded()), windows.float() / 255)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("step", ["jpeg_p", "webp_p", "rescale_p", "blur_p", "noise_p", "colour"])
def test_each_step_gives_changed_8_bit_levels_and_repeats(windows: torch.Tensor, step: str, device: str) -> None:
    always = Augment(**{**vars(OFF), step: 1.0, "blur_sigma": [0.5, 1.0]})
    there = windows.to(device)
    first, second = (augment(there, always, seeded()) for _ in range(2))
    assert first.device == there.device
    assert torch.equal(first, second)
    levels = first * 255
    assert float((levels - levels.round()).abs().max()) < 1e-4
    assert 0 <= float(levels.min()) <= float(levels.max()) <= 255
    changed = (first != there.float() / 255).flatten(1).any(1)
    assert bool(changed.all())


@pytest.mark.parametrize("step", ["jpeg", "webp", "rescale", "blur", "noise"])
def test_a_step_meets_its_share_of_pictures(step: str) -> None:
    drawn = draw_histories(4000, Augment(**{**vars(OFF), f"{step}_p": 0.3}), seeded())
    names = {"jpeg": "jpeg_quality", "webp": "webp_quality", "blur": "blur_sigma", "noise": "noise_std"}
    values = {name: getattr(drawn, name) for name in [*names.values(), "rescale"]}
    met = values.pop(names.get(step, step))
    assert 0.27 < float((~met.isnan()).float().mean()) < 0.33
    assert all(bool(other.isnan().all()) for other in values.values())


def test_the_codecs_are_those_they_are_called(smooth: torch.Tensor) -> None:
    both = Augment(**{**vars(OFF), "jpeg_p": 1.0, "jpeg_quality": [70, 70], "webp_p": 1.0, "webp_quality": [80, 80]})
    found = augment(smooth, both, seeded()).mul(255).round().to(torch.uint8)
    for picture, result in zip(smooth, found, strict=True):
        image = to_pil_image(picture)
        for name, quality in (("JPEG", {"quality": 70}), ("WEBP", {"quality": 80, "method": 2})):
            coded = io.BytesIO()
            image.save(coded, name, **quality)
            image = Image.open(coded).convert("RGB")
        assert torch.equal(pil_to_tensor(image), result)


@given(sigma=st.floats(0.1, 2.0), reach=st.integers(3, 6))
@settings(max_examples=20, deadline=None)
def test_blur_is_torchvisions(sigma: float, reach: int) -> None:
    pictures = torch.randint(256, (2, 3, 40, 40), dtype=torch.uint8, generator=seeded())
    found = pictures.clone()
    _blur(found, torch.tensor([torch.nan, sigma]), reach=reach)
    expected = F.gaussian_blur(pictures[1].float(), [2 * reach + 1] * 2, [sigma, sigma])
    assert torch.equal(found[0], pictures[0])
    assert float((found[1] - expected).abs().max()) < 0.501


def test_each_picture_is_blurred_by_its_own_strength() -> None:
    pictures = torch.randint(256, (3, 3, 24, 24), dtype=torch.uint8, generator=seeded())
    together = pictures.clone()
    _blur(together, torch.tensor([0.4, 0.9, 1.5]), reach=5)
    for n, sigma in enumerate((0.4, 0.9, 1.5)):
        alone = pictures[n : n + 1].clone()
        _blur(alone, torch.tensor([sigma]), reach=5)
        assert torch.equal(together[n], alone[0])


def test_rescaling_goes_down_and_up_again(smooth: torch.Tensor) -> None:
    fine = smooth.clone()
    fine[:, :, ::2] = 255 - fine[:, :, ::2]
    found = fine.clone()
    _rescale(found, torch.tensor([0.5, torch.nan, 1.0, 0.8]))
    image = to_pil_image(fine[0]).resize((20, 20), Image.Resampling.BILINEAR)
    expected = pil_to_tensor(image.resize((40, 40), Image.Resampling.BILINEAR))
    assert int((found[0].int() - expected.int()).abs().max()) <= 1
    assert torch.equal(found[1:3], fine[1:3])
    assert not torch.equal(found[3], fine[3])


def test_noise_has_the_strength_drawn() -> None:
    grey = torch.full((4, 3, 64, 64), 128, dtype=torch.uint8)
    noisy = augment(grey, Augment(**{**vars(OFF), "noise_p": 1.0, "noise_std": [0.02, 0.02]}), seeded())
    assert float(noisy.std()) == pytest.approx(0.02, rel=0.05)
    assert not torch.equal(noisy[0], noisy[1])


def test_centre_crop_is_central(windows: torch.Tensor) -> None:
    assert torch.equal(centre_crop(windows, 32), windows[:, :, 4:36, 4:36])


def test_autocast_does_not_round_pictures(windows: torch.Tensor) -> None:
    every = Augment(**{**vars(OFF), "colour": 0.2, "blur_p": 1.0, "rescale_p": 1.0})
    with torch.autocast("cpu", torch.bfloat16):
        under = augment(windows, every, seeded())
    assert torch.equal(under, augment(windows, every, seeded()))


def test_colour_jitter_is_brightness_then_contrast_then_saturation() -> None:
    levels = torch.randint(256, (40, 3, 8, 8), dtype=torch.uint8, generator=seeded(1))
    pictures = levels / 255
    factors = 1 + 0.3 * (2 * torch.rand(3, 40, 1, 1, generator=seeded()) - 1)
    brightness, contrast, saturation = factors.unsqueeze(-1)
    expected = (pictures * brightness - 0.5) * contrast + 0.5
    grey = (expected * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    expected = ((expected - grey) * saturation + grey).clamp(0, 1) * 255
    _colour(levels, 0.3, seeded())
    assert float((levels - expected).abs().max()) < 0.51
