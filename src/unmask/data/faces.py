"""Landmarks from mediapipe's face mesh (extra `faces`), mapped to the 68 points of iBUG."""

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from unmask.errors import ConfigError

# Mesh vertices by iBUG number: jaw, brows, nose bridge, nostrils, eyes, outer lip, inner lip. Chosen on the mesh's
# own contours, mirror pairs on both sides; "left" below is the picture's left.
IBUG_FROM_MESH = (
    *(127, 234, 93, 132, 58, 172, 136, 149, 152, 378, 365, 397, 288, 361, 323, 454, 356),
    *(70, 63, 105, 66, 107),
    *(336, 296, 334, 293, 300),
    *(168, 197, 195, 4),
    *(98, 97, 2, 326, 327),
    *(33, 160, 158, 133, 153, 144),
    *(362, 385, 387, 263, 373, 380),
    *(61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91),
    *(78, 81, 13, 311, 308, 402, 14, 178),
)
_MIN_CONFIDENCE = 0.3


def require_mediapipe() -> None:
    """Check that the extra is installed, without the seconds that importing it takes.

    Raises:
        ConfigError: it is not.
    """
    if importlib.util.find_spec("mediapipe") is None:
        raise ConfigError("assemble.landmarks: mediapipe needs the extra `faces` (pip install 'unmask[faces]')")


class FaceFinder:
    """Find the landmarks of the one face in a crop; make one in each process, it does not cross a fork.

    Raises:
        ConfigError: the extra `faces` is not installed.
    """

    def __init__(self) -> None:
        require_mediapipe()
        from mediapipe.python.solutions.face_mesh import FaceMesh

        self._quiet = True
        with _silenced():
            self._mesh: Any = FaceMesh(
                static_image_mode=True, max_num_faces=1, min_detection_confidence=_MIN_CONFIDENCE
            )

    def landmarks(self, image: Image.Image) -> npt.NDArray[np.float32] | None:
        """The 68 points as 136 numbers x, y in the picture's pixels; None where no face is found."""
        # The native libraries print their remarks with the first face, and to the descriptor itself.
        with _silenced() if self._quiet else nullcontext():
            faces = self._mesh.process(np.asarray(image)).multi_face_landmarks
        if not faces:
            return None
        self._quiet = False
        mesh = faces[0].landmark
        points = [(mesh[vertex].x * image.width, mesh[vertex].y * image.height) for vertex in IBUG_FROM_MESH]
        return np.asarray(points, dtype=np.float32).ravel()


@contextmanager
def _silenced() -> Iterator[None]:
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
