"""Where the crop that the network sees lies in its picture."""

from unmask.data.boxes import Box
from unmask.data.preprocess import PreprocessSpec, window_box
from unmask.serving.bundle import Preprocessing


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


def _reduced(width: int, height: int, longest: int) -> tuple[int, int]:
    """The size that `shrink_to` gives a picture."""
    longer = max(width, height)
    if longer <= longest:
        return width, height
    return max(1, round(width * longest / longer)), max(1, round(height * longest / longer))
