import numpy as np
import pytest

from benchmarks.drill import newcomer
from unmask.data.sample.build import take_photo
from unmask.data.sample.fields import stream
from unmask.data.sample.portrait import draw_shot


@pytest.fixture(scope="module")
def photo():
    return take_photo(3, 11, draw_shot((3, 11, 0), newest=False))


def test_the_same_stream_gives_the_same_forgery(photo):
    first, second = (newcomer.forge(photo, stream(5)) for _ in range(2))
    assert np.array_equal(first.pixels, second.pixels)
    assert not np.array_equal(first.pixels, newcomer.forge(photo, stream(6)).pixels)


def test_the_face_changes_and_what_is_around_it_does_not(photo):
    forged = newcomer.forge(photo, stream(5))
    changed = np.abs(forged.pixels.astype(int) - photo.pixels.astype(int)).sum(-1)
    assert changed[forged.mask > 0].mean() > 5
    assert not changed[0].any()
    assert not changed[:, 0].any()
    assert 0.1 < (forged.mask > 0).mean() < 0.8


def test_brightness_hardly_changes(photo):
    forged = newcomer.forge(photo, stream(5))
    moved = np.abs(forged.pixels.astype(float) - photo.pixels.astype(float))[forged.mask > 0]
    weights = np.array([0.299, 0.587, 0.114])
    signed = (forged.pixels.astype(float) - photo.pixels.astype(float))[forged.mask > 0] @ weights
    assert np.abs(signed).mean() < 0.15 * moved.max(axis=-1).mean()


def test_it_is_periodic_where_asked():
    waves = newcomer.lattice((128, 128), stream(1))
    strongest = np.abs(np.fft.rfft(waves[0] - waves[0].mean())).argmax()
    low, high = newcomer.PERIOD_PX
    assert low - 0.5 <= 128 / strongest <= high + 0.7
