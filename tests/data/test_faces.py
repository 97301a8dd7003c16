import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unmask.data.faces import IBUG_FROM_MESH, FaceFinder, require_mediapipe
from unmask.errors import ConfigError

needs_mediapipe = pytest.mark.skipif(importlib.util.find_spec("mediapipe") is None, reason="needs the extra `faces`")


def test_every_point_has_its_own_vertex() -> None:
    assert len(IBUG_FROM_MESH) == len(set(IBUG_FROM_MESH)) == 68


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"unmask\[faces\]"):
        require_mediapipe()


@needs_mediapipe
def test_no_face_gives_no_landmarks() -> None:
    assert FaceFinder().landmarks(Image.new("RGB", (128, 128), "grey")) is None


@needs_mediapipe
@pytest.mark.real
def test_points_lie_where_ibug_puts_them(real_data: Path) -> None:
    finder = FaceFinder()
    for path in sorted((real_data / "faces/portraits/real/camera").iterdir())[:5]:
        image = Image.open(path).convert("RGB")
        found = finder.landmarks(image)
        assert found is not None
        points = found.reshape(68, 2)
        left_eye, right_eye = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
        nose, mouth, chin = points[33], points[48:60].mean(axis=0), points[8]
        assert left_eye[0] < nose[0] < right_eye[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < mouth[1] < chin[1]
        assert points[:17, 0].argmin() < 4
        assert points[:17, 0].argmax() > 12
        assert points[17:22, 1].mean() < left_eye[1]
        assert points[22:27, 1].mean() < right_eye[1]
        assert np.abs(points[60:68].mean(axis=0) - mouth).max() < 0.1 * np.ptp(points[:17, 0])
