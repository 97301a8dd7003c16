"""Makes a bundle folder: files gathered under a temporary name, described, checked, then put in place."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from unmask.files import sha256_of
from unmask.serving.bundle import CARD, DESCRIPTION, MODEL, WEIGHTS, Bundle, SelfTest, model_version
from unmask.serving.card import render_card

LEVELS = 12  # grey levels of a drawn picture; few, so that it packs small


@contextmanager
def folder_in_place(target: Path) -> Iterator[Path]:
    """Give an empty neighbour of TARGET that takes its place, whole, on success and vanishes on failure."""
    fresh, old = (target.with_name(f".{target.name}.{kind}") for kind in ("new", "old"))
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    finally:
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)


def describe(folder: Path, bundle: Bundle, details: str = "") -> Bundle:
    """Write CARD.md and bundle.json beside the model files in FOLDER; returns the bundle with hashes and version.

    DETAILS are further sections of the card, as `card_details` writes them.
    """
    hashes = {name: sha256_of(folder / name) for name in (MODEL, WEIGHTS)}
    version = model_version(hashes[MODEL], bundle.data.md5, bundle.calibration)
    named = replace(bundle, version=version, files=hashes)
    size = (folder / MODEL).stat().st_size
    (folder / CARD).write_text(render_card(named, model_bytes=size, details=details), encoding="utf-8")
    complete = replace(named, files=hashes | {CARD: sha256_of(folder / CARD)})
    (folder / DESCRIPTION).write_text(complete.to_json(), encoding="utf-8")
    return complete


def draw_pictures(count: int, *, smallest: int, largest: int, seed: int) -> list[Image.Image]:
    """Draw pictures of waves in several sizes, so that a self-test takes every path of the preprocessing.

    They stand in for photographs because a bundle is handed on: nobody's face may travel in it, nor a picture whose
    licence forbids that.
    """
    rng = np.random.default_rng(seed)
    middle = (smallest + largest) // 2
    shapes = [(smallest, smallest), (largest, middle), (smallest, largest), (middle, middle)]
    return [Image.fromarray(_waves(*shapes[number % len(shapes)], rng)) for number in range(count)]


def _waves(height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    across, down, phase = rng.uniform(-9, 9, size=(3, 3, 3, 1, 1))  # each (colour, wave, 1, 1)
    waves = np.sin(2 * np.pi * (across * x + down * y) + phase).mean(axis=1)
    values = np.moveaxis(waves, 0, -1) / 2 + 0.5
    drawn: npt.NDArray[np.uint8] = np.round(np.round(values * LEVELS) * (255 / LEVELS)).astype(np.uint8)
    return drawn


def score_pictures(pictures: Sequence[Image.Image], logits: Sequence[float]) -> list[SelfTest]:
    """Pictures with the logits they must score."""
    return [SelfTest.of(picture, logit) for picture, logit in zip(pictures, logits, strict=True)]
