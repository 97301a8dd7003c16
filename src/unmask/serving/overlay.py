"""An activation map as a transparent layer, to be laid over the picture it is of."""

import io

import numpy as np
from PIL import Image

from unmask.data.boxes import Box
from unmask.serving.crops import Place, visible
from unmask.serving.runtime import Floats
from unmask.serving.verdict import Verdict

MAX_SIDE_PX = 512  # of a layer; a map has a few places on each side, which whoever shows it spreads further
# Of the strongest place, by the verdict: what lies under it must still be seen, and a doubt is not to look sure.
# Nothing of a picture called real is coloured: its sentence names no alteration, and faint traces would look like one.
OPACITY: dict[Verdict, float] = {"fake": 0.7, "uncertain": 0.4, "real": 0.0}
# Viridis at ninths (Smith and van der Walt, CC0): evenly brighter to the eye, told apart by the colour-blind, and
# unlike skin.
_NINTHS = (
    *((68, 1, 84), (72, 40, 120), (62, 74, 137), (49, 104, 142), (38, 130, 142)),
    *((31, 158, 137), (53, 183, 121), (109, 205, 89), (180, 222, 44), (253, 231, 37)),
)
COLOURS = np.stack(
    [np.interp(np.linspace(0, 9, 256), range(10), channel).round() for channel in zip(*_NINTHS, strict=True)], axis=-1
).astype(np.uint8)


def draw_overlay(found: Floats, *, box: Box, size: tuple[int, int], verdict: Verdict) -> bytes:
    """A map, log-odds (h, w) of the crop at BOX of a picture of SIZE (width, height), as PNG (RGBA).

    The layer covers the part of BOX that lies in the picture, as `visible` gives it; itself it has at
    most MAX_SIDE_PX on its longer side. Colour and opacity follow `strength`, opacity also the VERDICT, see OPACITY.
    """
    place = visible(box, size)
    heat = _shown(strength(found), box, place)
    opacity = np.rint(255 * OPACITY[verdict] * heat).astype(np.uint8)
    layer = np.concatenate([COLOURS[np.rint(255 * heat).astype(np.intp)], opacity[..., None]], axis=-1)
    stream = io.BytesIO()
    Image.fromarray(layer, "RGBA").save(stream, "PNG")
    return stream.getvalue()


def strength(found: Floats) -> Floats:
    """How much each place speaks for a forgery, 0..1: log-odds above 0, as a share of the highest; same shape.

    What speaks against one is 0, and all is where no place speaks for one.
    """
    above = np.maximum(found, 0)
    highest = float(above.max())
    return above / np.float32(highest) if highest > 0 else above


def _shown(heat: Floats, box: Box, place: Place) -> Floats:
    """Strength (h, w) of BOX, spread over the px of the layer that covers PLACE."""
    width, height = place[2] - place[0], place[3] - place[1]
    by = min(1.0, MAX_SIDE_PX / max(width, height))
    size = (max(1, round(width * by)), max(1, round(height * by)))
    spans = [_places(heat.shape[1 - axis], box[axis::2], place[axis::2]) for axis in (0, 1)]
    inside = (spans[0][0], spans[1][0], spans[0][1], spans[1][1])
    spread = Image.fromarray(heat).resize(size, Image.Resampling.BILINEAR, box=inside)
    return np.asarray(spread, dtype=np.float32).clip(0, 1)


def _places(count: int, box: tuple[float, ...], place: tuple[int, ...]) -> tuple[float, float]:
    """Where a place in a box begins and ends along one axis, in units of the map's COUNT places."""
    start, end = ((px - box[0]) * count / (box[1] - box[0]) for px in place)
    return max(0.0, start), min(float(count), end)
