"""Faces for tests: a bright disc on a dark ground stands for a face, and a detector that finds discs."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import find_objects, label

from unmask.data.faces import Face

Disc = tuple[int, int, int]  # centre x, y, radius in px
SIZE = (320, 240)


def scene(discs: Sequence[Disc], *, seed: int = 0, size: tuple[int, int] = SIZE) -> Image.Image:
    """Discs on a dark coarse pattern of its own, so that no two seeds are near-duplicates."""
    coarse = np.random.default_rng(seed).integers(0, 100, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    for x, y, radius in discs:
        ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), fill="white")
    return image


def mask_of(disc: Disc, size: tuple[int, int] = SIZE) -> Image.Image:
    mask = Image.new("L", size, 0)
    x, y, radius = disc
    ImageDraw.Draw(mask).ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    return mask


def clip_of(frames: Sequence[Image.Image]) -> bytes:
    """A clip of one second a frame; needs PyAV."""
    import av

    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=1)
        video.width, video.height, video.pix_fmt = *frames[0].size, "yuv420p"
        for frame in frames:
            container.mux(video.encode(av.VideoFrame.from_image(frame)))
        container.mux(video.encode(None))
    return stream.getvalue()


class SpotDetector:
    """Finds the discs; a face's points lie on a grid in its box."""

    def detect(self, image: Image.Image) -> list[Face]:
        bright = np.asarray(image.convert("L")) > 200
        found = []
        for where in find_objects(label(bright)[0]):
            rows, columns = where
            box = float(columns.start), float(rows.start), float(columns.stop), float(rows.stop)
            if box[2] - box[0] < 8:
                continue
            x, y = np.meshgrid(np.linspace(box[0], box[2], 17), np.linspace(box[1], box[3], 4))
            found.append(Face(box, 0.9, np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)))
        return found
