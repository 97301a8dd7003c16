"""From a picture to the square the network sees: one definition for training, evaluation and service."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class PreprocessSpec:
    """Sides in pixels: the network sees size_px, training cuts it from window_px; shrink allows resampling.

    Raises:
        ValueError: size_px is not within 1..window_px.
    """

    size_px: int
    window_px: int
    shrink: bool

    def __post_init__(self) -> None:
        if not 1 <= self.size_px <= self.window_px:
            raise ValueError(f"size_px must be within 1..window_px, got {self.size_px} and {self.window_px}")


def shrink_to(image: Image.Image, max_side_px: int) -> Image.Image:
    """Reduce a picture whose longer side is above max_side_px to it, proportions kept; never enlarge."""
    longer = max(image.size)
    if longer <= max_side_px:
        return image
    size = (max(1, round(image.width * max_side_px / longer)), max(1, round(image.height * max_side_px / longer)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def window(image: Image.Image, spec: PreprocessSpec) -> Pixels:
    """Cut the central square: uint8 (window_px, window_px, 3).

    With `shrink` a shorter side above window_px is reduced to window_px first; what is smaller is padded by
    reflection. Nothing is ever enlarged, so the traces a detector lives on are not resampled.
    """
    box = window_box(image.width, image.height, spec)
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    if box[2] - box[0] > spec.window_px:
        side = (spec.window_px, spec.window_px)
        square = rgb.resize(side, Image.Resampling.LANCZOS, box=box, reducing_gap=2.0)
    else:
        square = rgb.crop(box)
    return _pad(np.asarray(square, dtype=np.uint8), spec.window_px)


def crop(image: Image.Image, spec: PreprocessSpec) -> Pixels:
    """Cut what the network sees: uint8 (size_px, size_px, 3), the centre of the window."""
    return centre(window(image, spec), spec.size_px)


def centre(pixels: Pixels, size_px: int) -> Pixels:
    """Centre of (..., H, W, 3) pixels: (..., size_px, size_px, 3), contiguous."""
    top, left = (pixels.shape[-3] - size_px) // 2, (pixels.shape[-2] - size_px) // 2
    return np.ascontiguousarray(pixels[..., top : top + size_px, left : left + size_px, :])


def window_box(width: int, height: int, spec: PreprocessSpec) -> Box:
    """Part of a picture that its window shows: left, top, right, bottom in the picture's pixels."""
    shorter = min(width, height)
    wanted = shorter if spec.shrink and shorter > spec.window_px else spec.window_px
    across, down = min(width, wanted), min(height, wanted)
    left, top = (width - across) // 2, (height - down) // 2
    return left, top, left + across, top + down


def _pad(pixels: Pixels, side: int) -> Pixels:
    down, across = side - pixels.shape[0], side - pixels.shape[1]
    if down == across == 0:
        return np.ascontiguousarray(pixels)
    widths = ((down // 2, down - down // 2), (across // 2, across - across // 2), (0, 0))
    return np.pad(pixels, widths, mode="reflect")
