"""Difference masks on real pairs of clips, recompressed and cut by somebody else."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import module_of_extra
from tests.faces import expand_settings
from unmask.data.decode import decode_image
from unmask.data.facemesh import FaceMeshDetector
from unmask.data.forging.difference import DIFFERENCE, UNCHANGED, Compared, compare
from unmask.data.forging.pairs import bounds_of
from unmask.data.forging.regions import Points, as_points

pytestmark = pytest.mark.real
module_of_extra("mediapipe", "faces")

Sides = tuple[np.ndarray, np.ndarray, Points]


@pytest.fixture(scope="session")
def pairs(real_data: Path) -> list[Sides]:
    folder, detector, found = real_data / "faces/dfdc", FaceMeshDetector(), []
    with (folder / "pairs.csv").open() as file:
        for row in list(csv.DictReader(file))[5::100]:
            real = decode_image((folder / "real/camera" / row["real"]).read_bytes())
            fake = decode_image((folder / "fake/faceswap" / row["fake"]).read_bytes())
            face = max(detector.detect(fake), key=lambda face: face.area, default=None)
            if face is not None and face.points is not None:
                found.append((np.asarray(real), np.asarray(fake), as_points(face.points)))
    return found


def held(real: np.ndarray, fake: np.ndarray, points: Points) -> Compared:
    return compare(real, fake, real_points=None, points=points, bounds=bounds_of(expand_settings()))


def test_most_pairs_show_the_same_moment_and_a_change(pairs):
    outcomes = [held(*pair).outcome for pair in pairs]
    assert len(outcomes) > 35
    assert outcomes.count(DIFFERENCE) > 0.5 * len(outcomes)


def test_a_cut_two_pixels_off_is_hardly_ever_taken_for_the_same(pairs):
    taken = [held(np.roll(real, 2, axis=1), fake, points).mask is not None for real, fake, points in pairs]
    assert np.mean(taken) < 0.05


def test_no_pair_of_strangers_is_taken_for_the_same(pairs):
    assert all(held(pairs[n - 1][0], fake, points).mask is None for n, (_, fake, points) in enumerate(pairs))


def test_recompression_changes_nothing(pairs):
    for real, _, points in pairs:
        stream = io.BytesIO()
        Image.fromarray(real).save(stream, "JPEG", quality=50)
        again = np.asarray(Image.open(stream).convert("RGB"))
        assert held(real, again, points).outcome in (UNCHANGED, "too little around the face to compare by")
