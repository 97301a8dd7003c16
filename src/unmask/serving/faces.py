"""Faces in an upload (extra `faces`): found by a detector of each thread, cut out as assemble did for training."""

import importlib.util
import threading
from contextlib import nullcontext

from PIL import Image

from unmask.data.boxes import square_around
from unmask.data.faces import Face, FaceDetector, choose, create_detector, find_faces
from unmask.errors import ConfigError, DataError
from unmask.serving.bundle import Bundle

# A detector silences the process's stderr until its first face, which two at once would leave silent for good.
_SILENCING = threading.Lock()


class FaceFinder:
    """Finds the faces of pictures, from any thread: a detector must not be shared between threads.

    Raises:
        ConfigError: the detector needs the extra `faces`.
    """

    def __init__(self, name: str) -> None:
        if name == "mediapipe" and importlib.util.find_spec("mediapipe") is None:
            raise ConfigError("serving.faces: mediapipe needs the extra `faces` (pip install 'unmask[faces]')")
        self._name = name
        self._own = threading.local()

    def warm(self) -> None:
        """Make this thread's detector, which takes a second, before a request needs it."""
        if not hasattr(self._own, "detector"):
            with _SILENCING:
                self._own.detector, self._own.spoke = create_detector(self._name), False

    def find(self, picture: Image.Image) -> list[Face]:
        """The faces of an upright RGB picture, from left to right.

        Raises:
            DataError: the detector fails on it.
        """
        self.warm()
        detector: FaceDetector = self._own.detector
        try:
            with nullcontext() if self._own.spoke else _SILENCING:
                faces = find_faces(detector, picture)
        except ConfigError:
            raise DataError("the face detector failed on this picture") from None
        self._own.spoke = self._own.spoke or bool(faces)
        return [face for _, face in choose(faces, "every", forged=False, mask=None)]


def face_margin(bundle: Bundle) -> float:
    """What training cut around a face, in shares of its longer side.

    Raises:
        DataError: the bundle doesn't say it.
    """
    try:
        return float(bundle.params["assemble"]["faces"]["margin"])
    except (KeyError, TypeError, ValueError):
        raise DataError(
            "bundle.json: params.assemble.faces.margin is missing, which serving.faces needs; package the model again"
        ) from None


def cut_face(picture: Image.Image, face: Face, *, margin: float) -> Image.Image:
    """The square around a face that assemble would have cut, in the picture's own pixels."""
    return picture.crop(square_around(face.extent, picture.size, margin=margin))
