import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.spots import scene
from unmask.errors import DataError
from unmask.evaluation.tiers import steps
from unmask.evaluation.tiers.table import SWEEPS, TIERS
from unmask.evaluation.tiers.view import View

SIZES = st.tuples(st.integers(2, 90), st.integers(2, 90))


def view_of(size: tuple[int, int], seed: int = 0) -> View:
    levels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return View(Image.fromarray(levels))


def draws(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


def error(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)).mean())


@given(SIZES, st.sampled_from(list(SWEEPS)), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_a_step_is_a_pure_function_that_gives_an_rgb_picture(size: tuple[int, int], name: str, share: float) -> None:
    sweep, view = SWEEPS[name], view_of(size)
    before = view.image.tobytes()
    x = sweep.low + share * (min(sweep.high, 4 if name in {"blur", "screenshot"} else 100) - sweep.low)
    once, again = (sweep.step(view, x, draws()).image for _ in range(2))
    assert once.tobytes() == again.tobytes()
    assert (once.mode, view.image.tobytes()) == ("RGB", before)
    assert min(once.size) >= 1


@given(st.tuples(st.integers(8, 1700), st.integers(8, 300)), st.booleans())
@settings(max_examples=25, deadline=None)
def test_tiers_keep_their_bounds_and_proportions(size: tuple[int, int], upright: bool) -> None:
    view = view_of(size[:: -1 if upright else 1])
    longest = max(size)
    web, hard = (TIERS[name](view, draws()).image for name in ("web", "hard"))
    assert max(web.size) == min(longest, 768)
    assert max(hard.size) <= min(512, (longest + 1) / 2)
    for image in (web, hard):
        scale = max(image.size) / longest
        assert all(abs(now - scale * was) <= 1 for now, was in zip(image.size, view.image.size, strict=True))


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_a_lower_quality_takes_fewer_bytes_and_is_further_from_the_original(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, sizes = View(scene([(70, 100, 30)], seed=4)), []
    stored = io.BytesIO.getbuffer

    class Counted(io.BytesIO):
        def close(self) -> None:
            sizes.append(stored(self).nbytes)
            super().close()

    monkeypatch.setattr(steps.io, "BytesIO", Counted)
    step = SWEEPS[name].step
    errors = [error(step(view, quality, draws()).image, view.image) for quality in (95, 75, 50, 25, 5)]
    assert errors == sorted(errors)
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 5


@pytest.mark.parametrize(
    ("name", "rising"), [("noise", [0.0, 0.02, 0.1, 0.3]), ("blur", [0.0, 0.5, 1.0, 3.0]), ("scale", [1.0, 0.8, 0.5])]
)
def test_the_error_grows_with_the_strength_from_none_at_all(name: str, rising: list[float]) -> None:
    view = View(scene([(70, 100, 30)], seed=4))
    found = [SWEEPS[name].step(view, x, draws()).image.resize(view.image.size) for x in rising]
    errors = [error(image, view.image) for image in found]
    assert errors[0] == 0
    assert errors == sorted(set(errors))


def test_noise_has_the_deviation_it_is_asked_for() -> None:
    grey = View(Image.new("RGB", (120, 120), (128, 128, 128)))
    levels = np.asarray(steps.noise(grey, 0.1, draws()).image, dtype=float)
    assert levels.std() == pytest.approx(25.5, rel=0.02)
    assert levels.mean() == pytest.approx(128, abs=0.5)


@given(SIZES, st.floats(0.3, 1), st.data())
@settings(max_examples=60, deadline=None)
def test_a_crop_keeps_its_share_and_a_face_that_fits(size: tuple[int, int], share: float, data: st.DataObject) -> None:
    width, height = size
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    view = View(view_of(size).image, (x0, y0, x1, y1))
    kept = steps.crop(view, share, draws(width * height))
    assert kept.image.size == (max(1, round(share * width)), max(1, round(share * height)))
    assert kept.box is not None
    across, down = kept.box[2] - kept.box[0], kept.box[3] - kept.box[1]
    assert across == min(x1 - x0, kept.image.width)
    assert down == min(y1 - y0, kept.image.height)
    inside = np.asarray(kept.image.crop(tuple(map(int, kept.box))))
    wanted = np.asarray(view.image.crop((x0, y0, x1, y1)))
    if inside.shape == wanted.shape:
        assert np.array_equal(inside, wanted)


def test_crops_of_whole_pictures_lie_in_different_places() -> None:
    view = view_of((60, 60))
    assert len({steps.crop(view, 0.5, draws(seed)).image.tobytes() for seed in range(8)}) > 4


def test_a_screenshot_is_no_larger_than_a_screen() -> None:
    assert steps.screenshot(view_of((100, 60)), 1.5, draws()).image.size == (150, 90)
    assert steps.screenshot(view_of((2000, 20)), 2.0, draws()).image.size == (2560, 26)
    assert steps.screenshot(view_of((4000, 20)), 0.9, draws()).image.size == (2560, 13)


def test_a_picture_that_a_format_has_no_room_for_is_named() -> None:
    with pytest.raises(DataError, match="can't be stored as WEBP"):
        steps.webp(View(Image.new("RGB", (16400, 1))), 80, draws())
