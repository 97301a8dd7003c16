"""Pictures that tests send, as bytes."""

import io

from PIL import Image


def grey(level: int, size: tuple[int, int] = (48, 48)) -> Image.Image:
    return Image.new("RGB", size, (level, level, level))


def encode(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()
