"""What happens to a picture between the camera and a detector, each a pure function of a view, a strength and draws."""

import io
import math
from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter

from unmask.data.preprocess import shrink_to
from unmask.errors import DataError
from unmask.evaluation.tiers.view import View

Step = Callable[[View, float, Generator], View]
SCREEN_PX = 2560  # longer side of a common desktop screen: a viewer fits what is larger


def jpeg(view: View, quality: float, _: Generator) -> View:
    """Store as baseline JPEG of libjpeg's QUALITY (1 to 100) with 4:2:0 colour, as most sites do."""
    return view.resized(_stored(view.image, "JPEG", quality=round(quality), subsampling="4:2:0"))


def webp(view: View, quality: float, _: Generator) -> View:
    """Store as lossy WebP of libwebp's QUALITY (1 to 100)."""
    return view.resized(_stored(view.image, "WEBP", quality=round(quality)))


def longest_side(view: View, side_px: float, _: Generator) -> View:
    """Shrink to a longer side of at most SIDE_PX; never enlarge."""
    return view.resized(shrink_to(view.image, round(side_px)))


def scale(view: View, factor: float, _: Generator) -> View:
    """Shrink both sides by FACTOR (above 0, at most 1) and leave it so, as a thumbnail is."""
    return view.resized(shrink_to(view.image, max(1, round(factor * max(view.image.size)))))


def blur(view: View, sigma_px: float, _: Generator) -> View:
    """Gaussian blur of SIGMA_PX, in Pillow's approximation by three box filters."""
    return view.resized(view.image.filter(ImageFilter.GaussianBlur(sigma_px)))


def noise(view: View, std: float, generator: Generator) -> View:
    """Add white Gaussian noise of STD, a share of the full range, to each channel."""
    levels = generator.standard_normal((view.image.height, view.image.width, 3), dtype=np.float32)
    levels *= 255 * std
    levels += np.asarray(view.image, dtype=np.uint8)
    return view.resized(Image.fromarray(levels.round().clip(0, 255).astype(np.uint8)))


def crop(view: View, share: float, generator: Generator) -> View:
    """Keep SHARE of each side (above 0, at most 1) at a place drawn so that the face stays inside where it fits."""
    width, height = view.image.size
    x0, y0, x1, y1 = view.box or (None, None, None, None)
    left, right = _kept(width, share, (x0, x1), generator.random())
    top, bottom = _kept(height, share, (y0, y1), generator.random())
    return view.cut((left, top, right, bottom))


def screenshot(view: View, factor: float, _: Generator) -> View:
    """Show at FACTOR times its size, at most SCREEN_PX, interpolated linearly as a browser does; store losslessly."""
    width, height = view.image.size
    shown = min(factor, SCREEN_PX / max(width, height))
    size = (max(1, round(width * shown)), max(1, round(height * shown)))
    return view.resized(view.image.resize(size, Image.Resampling.BILINEAR))


def _kept(side: int, share: float, face: tuple[float | None, float | None], drawn: float) -> tuple[int, int]:
    """Ends of the part of a SIDE that is kept; DRAWN (0 to 1) chooses among the places that hold the whole face."""
    length = max(1, round(share * side))
    first, last = 0, side - length
    low, high = face
    if low is not None and high is not None:
        first, last = max(first, math.ceil(high) - length), min(last, math.floor(low))
        if first > last:  # the face does not fit: its middle is kept
            first = last = min(max(0, round((low + high - length) / 2)), side - length)
    start = first + min(int(drawn * (last - first + 1)), last - first)
    return start, start + length


def _stored(image: Image.Image, form: str, **options: object) -> Image.Image:
    stream = io.BytesIO()
    try:
        image.save(stream, form, **options)
    except (OSError, ValueError) as error:
        # WebP, for one, has no pictures of more than 16383 px.
        raise DataError(f"can't be stored as {form} ({error})") from None
    with Image.open(stream, formats=[form]) as stored:
        return stored.convert("RGB")
