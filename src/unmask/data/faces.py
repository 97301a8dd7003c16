"""Faces in a picture: what a detector gives, and which faces are taken."""

import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from unmask.data.boxes import Box
from unmask.errors import ConfigError

Points = npt.NDArray[np.float32]
CROPS = ("none", "largest", "every")
MISSING = ("keep", "quarantine")
_KEY = "params.yaml: assemble.faces.detector"
# A mask's rim may reach into the box of whoever stands beside; less is no forgery of that face.
_TOUCHED = 0.1


@dataclass(frozen=True)
class Face:
    """A face: box x0, y0, x1, y1 in px, score 0..1, and the 68 points of iBUG (68, 2) in px or None."""

    box: Box
    score: float
    points: Points | None

    @property
    def extent(self) -> Box:
        """The box of the points where there are some, so that faces of any detector are cut alike."""
        if self.points is None:
            return self.box
        (x0, y0), (x1, y1) = self.points.min(axis=0).tolist(), self.points.max(axis=0).tolist()
        return x0, y0, x1, y1

    @property
    def area(self) -> float:
        """Area of the extent, px squared."""
        x0, y0, x1, y1 = self.extent
        return max(0.0, x1 - x0) * max(0.0, y1 - y0)


class FaceDetector(Protocol):
    """Anything that finds faces; made once in each worker process."""

    def detect(self, image: Image.Image) -> list[Face]:
        """The faces of an RGB picture, in any order."""
        ...


def create_detector(name: str) -> FaceDetector:
    """The detector that `assemble.faces.detector` names: mediapipe, or package.module:Class.

    Raises:
        ConfigError: there is none of that name, or it needs the extra `faces`.
    """
    if name == "mediapipe":
        _require_mediapipe()
        from unmask.data.facemesh import FaceMeshDetector

        return FaceMeshDetector()
    made = _load(name)
    try:
        return made()
    except Exception as error:
        # Somebody else's code may raise anything.
        raise ConfigError(f"{_KEY}: {name!r} can't be made ({type(error).__name__}: {error})") from error


def find_faces(detector: FaceDetector, image: Image.Image) -> list[Face]:
    """The faces that a detector finds within a picture; one wholly outside is none.

    Raises:
        ConfigError: the detector fails, or gives boxes or points that are none.
    """
    name = type(detector).__name__
    try:
        faces = [Face(face.box, float(face.score), _as_points(face.points)) for face in detector.detect(image)]
        finite = all(np.isfinite(face.extent).all() and len(face.extent) == 4 for face in faces)
    except Exception as error:
        raise ConfigError(f"{_KEY}: {name} failed on a picture ({type(error).__name__}: {error})") from error
    if not finite:
        raise ConfigError(f"{_KEY}: {name} gave a face without a finite box")
    return [face for face in faces if _shows(face.extent, image.size)]


def _load(name: str) -> "type[FaceDetector]":
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, ValueError, AttributeError, TypeError) as error:
        raise ConfigError(f"{_KEY}: {name!r} can't be loaded ({error}); {_CHOICES}") from error
    if not inspect.isclass(found):
        raise ConfigError(f"{_KEY}: {name!r} is not a class; {_CHOICES}")
    return cast("type[FaceDetector]", found)


def _as_points(points: Points | None) -> Points | None:
    return None if points is None else np.asarray(points, dtype=np.float32).reshape(68, 2)


def _shows(extent: Box, size: tuple[int, int]) -> bool:
    x0, y0, x1, y1 = extent
    return max(x0, 0) < min(x1, size[0]) and max(y0, 0) < min(y1, size[1])


def check_detector(name: str) -> None:
    """Check the name without the seconds that importing a detector takes.

    Raises:
        ConfigError: it can't be a detector's name, or needs the extra `faces`.
    """
    module, _, attribute = name.partition(":")
    if name == "mediapipe":
        _require_mediapipe()
    elif name != "none" and not (module and attribute.isidentifier()):
        raise ConfigError(f"{_KEY}: {name!r} is not a detector; {_CHOICES}")


def detector_version(name: str) -> str:
    """What changes when a detector does: mediapipe's version, or the hash of the file that defines the class.

    Raises:
        ConfigError: there is none of that name, or it needs the extra `faces`.
    """
    if name == "none":
        return ""
    if name == "mediapipe":
        _require_mediapipe()
        return importlib.metadata.version("mediapipe")
    source = inspect.getsourcefile(_load(name))
    return hashlib.sha256(Path(source).read_bytes()).hexdigest()[:16] if source else ""


def choose(faces: Sequence[Face], crop: str, *, forged: bool, mask: Image.Image | None) -> list[tuple[int, Face]]:
    """The faces to take with their numbers, which count from left to right.

    `largest` takes one, `every` all. Of a forged picture only faces that its MASK ("L", 255 = altered) covers in part
    are known to be forged: `every` takes these, `largest` the one with most of it, and there may be none, because a
    detector misses faces; without a mask both take the largest.
    """
    numbered = list(enumerate(sorted(faces, key=lambda face: face.extent)))
    if forged and mask is not None:
        altered = {number: _altered(face, mask) for number, face in numbered}
        touched = [(number, face) for number, face in numbered if altered[number] >= _TOUCHED * face.area]
        most = max(touched, key=lambda item: altered[item[0]], default=None)
        return touched if crop == "every" or most is None else [most]
    if crop == "every" and not forged:
        return numbered
    largest = max(numbered, key=lambda item: item[1].area, default=None)
    return [] if largest is None else [largest]


def _altered(face: Face, mask: Image.Image) -> int:
    x0, y0, x1, y1 = (round(value) for value in face.extent)
    return int((np.asarray(mask)[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] > 127).sum())


def _require_mediapipe() -> None:
    if importlib.util.find_spec("mediapipe") is None:
        raise ConfigError(f"{_KEY}: mediapipe needs the extra `faces` (pip install 'unmask[faces]')")


_CHOICES = "choose none, mediapipe, or package.module:Class"
