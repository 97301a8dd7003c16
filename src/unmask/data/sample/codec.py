"""The last encoding, drawn alike for real and forged pictures, so that it tells nothing of the label."""

from io import BytesIO

from PIL import Image

from unmask.data.sample.camera import Picture
from unmask.data.sample.fields import Numbers, Rng

LARGEST_PNG = 160  # px; larger ones would fill the sample's budget


def encode(pixels: Picture, rng: Rng) -> tuple[bytes, str]:
    """Encode a picture (H, W, 3) as JPEG, WebP or PNG; gives the bytes and the file name's ending."""
    image = Image.fromarray(pixels)
    stream = BytesIO()
    kind, quality, sharp_colour = rng.random(), int(rng.integers(76, 95)), rng.random() < 0.35
    if kind < 0.05 and pixels.shape[0] <= LARGEST_PNG:
        image.save(stream, "PNG", compress_level=9)
        return stream.getvalue(), "png"
    if kind < 0.34:
        image.save(stream, "WEBP", quality=quality - 3, method=3)
        return stream.getvalue(), "webp"
    image.save(stream, "JPEG", quality=quality, subsampling=0 if sharp_colour else 2, optimize=True)
    return stream.getvalue(), "jpg"


def encode_mask(mask: Numbers) -> bytes:
    """Encode a mask (H, W) of 0 and 255 as a two-level PNG."""
    stream = BytesIO()
    Image.fromarray(mask).convert("1").save(stream, "PNG", optimize=True)
    return stream.getvalue()
