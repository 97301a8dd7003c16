import numpy as np
import pytest

from unmask.data.sample.fields import stream
from unmask.data.sample.forgers import SEEN, TINTS, UNSEEN, Photo, colour_error, forge
from unmask.data.sample.generator import Generator, redraw


@pytest.mark.parametrize("name", SEEN + UNSEEN)
def test_pixels_change_inside_the_mask_and_hardly_outside(name: str, photos: list[Photo], generator: Generator) -> None:
    forged = forge(name, photos[0], photos[1], generator, stream(3))
    change = np.abs(forged.pixels.astype(float) - photos[0].pixels).mean(-1)
    inside = forged.mask > 0
    assert 0.003 < inside.mean() < 0.8
    assert change[inside].mean() > 1.5
    assert change[~inside].mean() < 0.5


@pytest.mark.parametrize("name", SEEN + UNSEEN)
def test_far_from_the_face_every_pixel_is_kept(name: str, photos: list[Photo], generator: Generator) -> None:
    forged = forge(name, photos[0], photos[1], generator, stream(4))
    assert (forged.pixels[:6] == photos[0].pixels[:6]).all()


@pytest.mark.parametrize("name", SEEN + UNSEEN)
def test_the_error_of_colour_leaves_luma_alone(name: str) -> None:
    error = colour_error(name, (96, 80), stream(7))
    low, high = TINTS[name][0]
    assert np.abs(error @ (0.299, 0.587, 0.114)).max() < 0.1
    assert low <= error[..., 0].std() <= high
    assert low <= error[..., 2].std() <= high


def test_same_stream_gives_same_forgery(photos: list[Photo], generator: Generator) -> None:
    first, second = (forge("faceswap", photos[0], photos[1], generator, stream(5)) for _ in range(2))
    assert (first.pixels == second.pixels).all()


def test_all_patch_components_rebuild_a_plane_exactly(generator: Generator) -> None:
    whole = Generator(generator.shape, generator.face_parts, generator.face_spread, np.eye(64))
    plane = stream(6).random((37, 41), np.float32)
    assert np.abs(redraw(whole, plane, 64) - plane).max() < 1e-5


def test_components_are_orthonormal(generator: Generator) -> None:
    product = generator.patch_parts @ generator.patch_parts.T
    assert np.abs(product - np.eye(len(product))).max() < 1e-5
