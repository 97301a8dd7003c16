"""Where the crop that the network sees lies in its picture."""

import math

from unmask.data.boxes import Box, square_around
from unmask.data.preprocess import PreprocessSpec, window_box
from unmask.serving.bundle import Bundle, Preprocessing
from unmask.serving.faces import face_margin
from unmask.serving.reading import View

Place = tuple[int, int, int, int]


def judged_box(view: View, size: tuple[int, int], bundle: Bundle) -> Box:
    """Where a view's crop lies in its picture of SIZE (width, height): x0, y0, x1, y1 in px; may reach beyond it."""
    left, top, right, bottom = _region(view, size, bundle)
    x0, y0, x1, y1 = crop_box(right - left, bottom - top, bundle.preprocessing)
    return left + x0, top + y0, left + x1, top + y1


def visible(box: Box, size: tuple[int, int]) -> Place:
    """The whole px of a box that lie in a picture of SIZE (width, height), one at least: x0, y0, x1, y1."""
    left, right = _span(box[0], box[2], size[0])
    top, bottom = _span(box[1], box[3], size[1])
    return left, top, right, bottom


def crop_box(width: int, height: int, settings: Preprocessing) -> Box:
    """Where the crop that `runtime.prepare` cuts lies in its picture: x0, y0, x1, y1 in the picture's px.

    It reaches beyond a picture that is smaller than the crop, which `prepare` pads by reflection.
    """
    spec = PreprocessSpec(settings.size_px, settings.window_px, settings.shrink)
    size = _reduced(width, height, settings.max_side_px)
    left, top, right, bottom = window_box(*size, spec)
    shrunk = max(1.0, (right - left) / spec.window_px)
    inset = (spec.window_px - spec.size_px) // 2
    starts = [
        start + (inset - max(0, spec.window_px - span) // 2) * shrunk
        for start, span in ((left, right - left), (top, bottom - top))
    ]
    x, y = width / size[0], height / size[1]
    side = spec.size_px * shrunk
    return starts[0] * x, starts[1] * y, (starts[0] + side) * x, (starts[1] + side) * y


def _region(view: View, size: tuple[int, int], bundle: Bundle) -> Place:
    """The part of the picture that a view was made from, as `faces.cut_face` cuts it."""
    if view.face is None:
        return 0, 0, *size
    return square_around(view.face.extent, size, margin=face_margin(bundle))


def _span(start: float, end: float, limit: int) -> tuple[int, int]:
    first = min(max(0, math.floor(start)), limit - 1)
    return first, max(first + 1, min(math.ceil(end), limit))


def _reduced(width: int, height: int, longest: int) -> tuple[int, int]:
    """The size that `shrink_to` gives a picture."""
    longer = max(width, height)
    if longer <= longest:
        return width, height
    return max(1, round(width * longest / longer)), max(1, round(height * longest / longer))
