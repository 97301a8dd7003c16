import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from unmask.data.decode import decode_image, decode_mask, decode_picture
from unmask.errors import DataError


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("quality", [1, 30, 50, 75, 95, 100])
def test_jpeg_quality_is_read_from_the_tables(draw_picture: Callable[..., Image.Image], quality: int) -> None:
    assert decode_picture(encoded(draw_picture(1), "JPEG", quality=quality)).jpeg_quality == quality


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF"])
def test_other_formats_have_no_jpeg_quality(draw_picture: Callable[..., Image.Image], kind: str) -> None:
    picture = decode_picture(encoded(draw_picture(1), kind))
    assert (picture.format, picture.jpeg_quality) == (kind, -1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(orientation: int) -> None:
    upright = np.zeros((16, 24, 3), dtype=np.uint8)
    upright[:8, :8] = 255
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    image = Image.fromarray(upright)
    stored = image if orientation == 1 else image.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(np.asarray(decode_image(encoded(stored, "PNG", exif=exif))), upright)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    wide = Image.fromarray(np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16))
    assert np.asarray(decode_image(encoded(wide, "PNG"))).mean() == pytest.approx(127.5, abs=1)


def test_transparency_is_laid_over_white() -> None:
    assert decode_image(encoded(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "PNG")).getpixel((0, 0)) == (255, 255, 255)


def test_too_many_pixels_are_never_decoded() -> None:
    bomb = encoded(Image.new("1", (4000, 4000)), "PNG")
    with pytest.raises(DataError, match="more than 10 megapixels"):
        decode_image(bomb, max_megapixels=10)


def test_too_many_bytes_are_never_opened() -> None:
    with pytest.raises(DataError, match=r"larger than 0\.001 MB"):
        decode_image(b"x" * 1001, max_megabytes=0.001)


def test_a_truncated_picture_is_refused(draw_picture: Callable[..., Image.Image]) -> None:
    with pytest.raises(DataError, match="damaged picture"):
        decode_image(encoded(draw_picture(1), "JPEG")[:-400])


@pytest.mark.parametrize("kind", ["GIF", "ICO", "PPM"])
def test_other_formats_are_refused(kind: str) -> None:
    with pytest.raises(DataError, match="not a JPEG"):
        decode_image(encoded(Image.new("RGB", (16, 16)), kind))


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(st.data())
def test_damaged_bytes_decode_or_are_refused(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "BMP", "TIFF"]))
    content = bytearray(encoded(Image.new("RGB", (24, 16), (9, 99, 199)), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = decode_image(bytes(content), max_megapixels=1)
    except DataError:
        return
    assert image.mode == "RGB"


def test_a_mask_is_grey() -> None:
    assert decode_mask(encoded(Image.new("RGB", (8, 8), "white"), "PNG")).getextrema() == (255, 255)
