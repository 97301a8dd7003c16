"""From an upright picture to the crop that the network sees, and back to where the crop lies in the picture."""

from PIL import Image

from unmask.data.preprocess import Pixels, PreprocessSpec, crop, shrink_to, window_box
from unmask.errors import DataError
from unmask.serving.bundle import Preprocessing

Box = tuple[float, float, float, float]


def prepare(picture: Image.Image, settings: Preprocessing) -> Pixels:
    """From an upright RGB picture to the network's crop, as assemble and training did it: uint8 (size, size, 3).

    Raises:
        DataError: the picture is smaller than any that training saw.
    """
    width, height = picture.size
    if min(width, height) < settings.min_side_px:
        raise DataError(f"shorter side under {settings.min_side_px} px ({width} x {height})")
    reduced = shrink_to(picture, settings.max_side_px)
    return crop(reduced, _spec(settings))


def crop_box(width: int, height: int, settings: Preprocessing) -> Box:
    """Where the crop that `prepare` cuts lies in its picture: x0, y0, x1, y1 in the picture's px.

    It reaches beyond a picture that is smaller than the crop, which `prepare` pads by reflection.
    """
    spec, longer = _spec(settings), max(width, height)
    by = max(1.0, longer / settings.max_side_px)
    size = (max(1, round(width / by)), max(1, round(height / by)))
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


def _spec(settings: Preprocessing) -> PreprocessSpec:
    return PreprocessSpec(settings.size_px, settings.window_px, settings.shrink)
