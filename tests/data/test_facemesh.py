from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import module_of_extra
from unmask.data.facemesh import IBUG_FROM_MESH, FaceMeshDetector

module_of_extra("mediapipe", "faces")


@pytest.fixture(scope="module")
def detector() -> FaceMeshDetector:
    return FaceMeshDetector()


def test_every_point_has_its_own_vertex() -> None:
    assert len(IBUG_FROM_MESH) == len(set(IBUG_FROM_MESH)) == 68


def test_a_grey_picture_holds_no_face(detector: FaceMeshDetector) -> None:
    assert detector.detect(Image.new("RGB", (128, 128), "grey")) == []


@pytest.mark.real
def test_points_lie_where_ibug_puts_them(real_data: Path, detector: FaceMeshDetector) -> None:
    for path in sorted((real_data / "faces/portraits/real/camera").iterdir())[:5]:
        (face,) = detector.detect(Image.open(path).convert("RGB"))
        points = face.points
        assert points is not None
        left_eye, right_eye = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
        nose, mouth, chin = points[33], points[48:60].mean(axis=0), points[8]
        assert left_eye[0] < nose[0] < right_eye[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < mouth[1] < chin[1]
        assert points[:17, 0].argmin() < 4
        assert points[:17, 0].argmax() > 12
        assert points[17:22, 1].mean() < left_eye[1]
        assert points[22:27, 1].mean() < right_eye[1]
        assert np.abs(points[60:68].mean(axis=0) - mouth).max() < 0.1 * np.ptp(points[:17, 0])


@pytest.mark.real
def test_two_people_far_away_are_two_faces_where_they_stand(real_data: Path, detector: FaceMeshDetector) -> None:
    people = sorted((real_data / "faces/portraits/real/camera").iterdir())[2:4]
    street = Image.new("RGB", (1280, 720), "grey")
    for number, path in enumerate(people):
        street.paste(Image.open(path).convert("RGB").resize((200, 200)), (200 + 700 * number, 300))
    boxes = sorted(face.extent for face in detector.detect(street))
    assert len(boxes) == 2
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        assert 200 + 700 * number <= x0 < x1 <= 400 + 700 * number
        assert 300 <= y0 < y1 <= 500
