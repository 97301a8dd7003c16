"""Faces by mediapipe (extra `faces`): boxes from its two detectors, points from its face mesh as the 68 of iBUG."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
from PIL import Image

from unmask.data.boxes import Box, intersection_over_union, square_around
from unmask.data.faces import Face, Points

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
_CLOSE, _WHOLE_SCENE = 0, 1  # mediapipe's models for faces within 2 m and within 5 m
_MESH_CONFIDENCE = 0.3
_BOX_CONFIDENCE = 0.5
_SURROUNDING = 0.5  # of the box, on each side: the mesh looks for a face in a picture of one
_SAME_FACE = 0.3  # intersection over union


class FaceMeshDetector:
    """Find faces of all sizes; make one in each process, it does not cross a fork."""

    def __init__(self) -> None:
        from mediapipe.python.solutions.face_detection import FaceDetection
        from mediapipe.python.solutions.face_mesh import FaceMesh

        self._quiet = True
        with _silenced():
            self._mesh: Any = FaceMesh(
                static_image_mode=True, max_num_faces=1, min_detection_confidence=_MESH_CONFIDENCE
            )
            self._finders: list[Any] = [
                FaceDetection(model_selection=model, min_detection_confidence=_BOX_CONFIDENCE)
                for model in (_CLOSE, _WHOLE_SCENE)
            ]

    def detect(self, image: Image.Image) -> list[Face]:
        """The faces of an RGB picture; one that fills the picture is found by the mesh alone."""
        # The native libraries print their remarks with the first face, and to the descriptor itself.
        with _silenced() if self._quiet else nullcontext():
            found = self._boxes(image)
            faces = [self._with_points(image, box, score, alone=len(found) == 1) for box, score in found]
            if not faces:
                points = self._points(image)
                faces = (
                    [] if points is None else [Face((0.0, 0.0, float(image.width), float(image.height)), 1.0, points)]
                )
        self._quiet = self._quiet and not faces
        return faces

    def _boxes(self, image: Image.Image) -> list[tuple[Box, float]]:
        pixels = np.asarray(image)
        found: list[tuple[Box, float]] = []
        for finder in self._finders:
            for each in finder.process(pixels).detections or []:
                place = each.location_data.relative_bounding_box
                x0, y0 = place.xmin * image.width, place.ymin * image.height
                box = x0, y0, x0 + place.width * image.width, y0 + place.height * image.height
                if all(intersection_over_union(box, other) < _SAME_FACE for other, _ in found):
                    found.append((box, float(each.score[0])))
        return found

    def _with_points(self, image: Image.Image, box: Box, score: float, *, alone: bool) -> Face:
        around = square_around(box, image.size, margin=_SURROUNDING)
        points = self._points(image.crop(around))
        if points is not None:
            return Face(box, score, points + np.asarray(around[:2], dtype=np.float32))
        whole = self._points(image) if alone else None
        return Face(box, score, whole if whole is not None and _holds(box, whole) else None)

    def _points(self, image: Image.Image) -> Points | None:
        faces = self._mesh.process(np.asarray(image)).multi_face_landmarks
        if not faces:
            return None
        mesh = faces[0].landmark
        points = [(mesh[vertex].x * image.width, mesh[vertex].y * image.height) for vertex in IBUG_FROM_MESH]
        return np.asarray(points, dtype=np.float32)


def _holds(box: Box, points: Points) -> bool:
    x, y = points.mean(axis=0).tolist()
    return bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])


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
