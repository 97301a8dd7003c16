import numpy as np
import pytest

from tests.faces import draw_face, face_points


@pytest.fixture(scope="session")
def points() -> np.ndarray:
    return face_points(128)


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    return draw_face(1, 128)
