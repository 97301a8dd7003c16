from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageFilter

from unmask.data.preprocess import shrink_to
from unmask.data.quality import brightness, content_id, is_flat, luma, perceptual_hash, sharpness

Draw = Callable[..., Image.Image]


def bits_apart(left: str, right: str) -> int:
    return (int(left, 16) ^ int(right, 16)).bit_count()


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    point = np.zeros((5, 5), dtype=np.int16)
    point[2, 2] = 8
    inner = np.array([0, 8, 0, 8, -32, 8, 0, 8, 0])
    assert sharpness(point) == pytest.approx(inner.var())


def test_the_strongest_contrast_does_not_overflow() -> None:
    board = np.indices((9, 9)).sum(axis=0) % 2 * 255
    assert sharpness(board.astype(np.int16)) == sharpness(board.astype(np.float64)) > 1_000_000


def test_blur_lowers_sharpness(draw_picture: Draw) -> None:
    image = draw_picture(1)
    assert sharpness(luma(image.filter(ImageFilter.GaussianBlur(3)))) < sharpness(luma(image))


@pytest.mark.parametrize(("colour", "expected"), [("black", 0.0), ("white", 1.0)])
def test_brightness_runs_from_0_to_1(colour: str, expected: float) -> None:
    assert brightness(luma(Image.new("RGB", (8, 8), colour))) == expected


def test_content_depends_on_pixels_and_size() -> None:
    images = [Image.new("RGB", size, colour) for size in ((2, 3), (3, 2)) for colour in ("red", "blue")]
    assert len({content_id(image) for image in images}) == 4


def test_recompression_and_resizing_keep_the_hash_close(draw_picture: Draw) -> None:
    image = draw_picture(1, (128, 128))
    assert bits_apart(perceptual_hash(image), perceptual_hash(image.resize((100, 100)))) <= 4


def test_different_pictures_are_far_apart(draw_picture: Draw) -> None:
    hashes = [perceptual_hash(draw_picture(seed)) for seed in range(12)]
    assert min(bits_apart(a, b) for i, a in enumerate(hashes) for b in hashes[:i]) > 8


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_picture_shares_its_hash_with_copies_only(level: int) -> None:
    noise = np.random.default_rng(0).integers(-2, 3, (2, 64, 64, 3))
    first, second = (Image.fromarray((level + one).clip(0, 255).astype(np.uint8)) for one in noise)
    assert is_flat(first)
    assert perceptual_hash(first) == perceptual_hash(first.copy())
    assert bits_apart(perceptual_hash(first), perceptual_hash(second)) > 8


@pytest.mark.parametrize(("size", "expected"), [((300, 200), (100, 67)), ((20, 400), (5, 100)), ((90, 100), (90, 100))])
def test_only_larger_pictures_shrink(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert shrink_to(Image.new("RGB", size), 100).size == expected
