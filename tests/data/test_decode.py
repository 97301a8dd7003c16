import io
import re
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.ImageCms import ImageCmsProfile, createProfile
from PIL.PngImagePlugin import PngInfo

from unmask.data.decode import decode_image, decode_mask, decode_picture
from unmask.errors import DataError, ResourceError


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@pytest.mark.parametrize("quality", [1, 30, 50, 75, 95, 100])
def test_jpeg_quality_is_read_from_the_tables(draw_picture: Callable[..., Image.Image], quality: int) -> None:
    assert decode_picture(encoded(draw_picture(1), "JPEG", quality=quality)).jpeg_quality == quality


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF"])
def test_other_formats_have_no_jpeg_quality(draw_picture: Callable[..., Image.Image], kind: str) -> None:
    picture = decode_picture(encoded(draw_picture(1), kind))
    assert (picture.format, picture.jpeg_quality) == (kind, -1)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(orientation: int, kind: str) -> None:
    upright = np.zeros((16, 24, 3), dtype=np.uint8)
    upright[:8, :8] = 255
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    image = Image.fromarray(upright)
    stored = image if orientation == 1 else image.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(np.asarray(decode_image(encoded(stored, kind, exif=exif))), upright)


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


def test_xmp_turns_a_picture_that_has_no_exif() -> None:
    upright = np.zeros((16, 24, 3), dtype=np.uint8)
    upright[:8, :8] = 255
    stored = Image.fromarray(upright).transpose(Image.Transpose.ROTATE_90)
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    for kind, options in (("JPEG", {"xmp": xmp, "quality": 100}), ("WEBP", {"xmp": xmp, "lossless": True})):
        image = decode_image(encoded(stored, kind, **options))
        assert image.size == (24, 16)
        assert np.abs(np.asarray(image, dtype=int) - upright).mean() < 10


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_in_both_exif_and_xmp_is_applied_once(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    xmp = b'<rdf:Description tiff:Orientation="6"/>'
    if kind == "TIFF":
        exif[700] = xmp
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp.decode())
    options = {"JPEG": {"xmp": xmp}, "PNG": {"pnginfo": info}, "WEBP": {"xmp": xmp}, "TIFF": {}}[kind]
    stored = Image.new("RGB", (16, 24))
    stored.paste("white", (0, 0, 8, 8))  # the stored upper left corner is shown in the upper right
    image = decode_image(encoded(stored, kind, exif=exif, **options))
    assert image.size == (24, 16)
    assert np.asarray(image)[2, 22].min() > 200
    assert np.asarray(image)[2, 2].max() < 60


def test_exif_behind_the_pixels_of_a_png_counts() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = encoded(Image.new("RGB", (16, 24)), "PNG")
    end = plain.index(b"IEND") - 4
    late = plain[:end] + chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")) + plain[end:]
    assert decode_image(late).size == (24, 16)


def test_of_several_views_the_first_is_taken_with_its_own_orientation() -> None:
    first, second = Image.new("RGB", (16, 24), "red"), Image.new("RGB", (8, 8), "blue")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = decode_picture(encoded(first, "MPO", save_all=True, append_images=[second], exif=exif))
    assert (picture.format, picture.image.size) == ("JPEG", (24, 16))
    assert np.asarray(picture.image)[..., 0].min() > 200


def test_sixteen_bit_colours_are_scaled() -> None:
    wide = np.zeros((8, 8, 3), dtype=">u2")
    wide[..., 0], wide[..., 1] = 0x80FF, 0xFFFF
    rows = b"".join(b"\0" + row.tobytes() for row in wide)
    header = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert decode_image(png).getpixel((3, 3)) == (0x80, 0xFF, 0)


def test_a_mask_of_sixteen_bits_is_scaled_not_clipped() -> None:
    wide = Image.fromarray(np.full((8, 8), 0x4000, dtype=np.uint16))
    assert decode_mask(encoded(wide, "PNG")).getextrema() == (0x40, 0x40)


RED_BESIDE_NOTHING = np.array([[[255, 0, 0, 255], [9, 9, 9, 0]]], dtype=np.uint8).repeat(8, axis=0).repeat(4, axis=1)


def test_every_mode_becomes_the_same_colours() -> None:
    layered = Image.fromarray(RED_BESIDE_NOTHING)
    palette = layered.convert("RGB").quantize(4)
    see_through = palette.copy()
    blank = see_through.getpixel((7, 0))
    grey = layered.convert("LA")
    cases = {
        "RGBA": (encoded(layered, "PNG"), (255, 0, 0), (255, 255, 255)),
        "LA": (encoded(grey, "PNG"), (76, 76, 76), (255, 255, 255)),
        "P": (encoded(palette, "PNG"), (255, 0, 0), (9, 9, 9)),
        "P and tRNS": (encoded(see_through, "PNG", transparency=blank), (255, 0, 0), (255, 255, 255)),
        "RGB and tRNS": (encoded(layered.convert("RGB"), "PNG", transparency=(9, 9, 9)), (255, 0, 0), (255,) * 3),
        "L and tRNS": (encoded(layered.convert("L"), "PNG", transparency=9), (76, 76, 76), (255, 255, 255)),
        "1": (encoded(layered.convert("L").point(lambda value: 255 * (value > 50), "1"), "PNG"), (255,) * 3, (0,) * 3),
        "L": (encoded(layered.convert("L"), "PNG"), (76, 76, 76), (9, 9, 9)),
        "CMYK": (encoded(layered.convert("RGB").convert("CMYK"), "TIFF"), (255, 0, 0), (9, 9, 9)),
    }
    for name, (data, left, right) in cases.items():
        picture = decode_picture(data)
        assert picture.image.mode == "RGB", name
        assert picture.mode == name.split()[0], name
        assert (picture.image.getpixel((0, 0)), picture.image.getpixel((7, 0))) == (left, right), name


def test_a_tiff_for_large_files_is_read(draw_picture: Callable[..., Image.Image]) -> None:
    image = draw_picture(1)
    assert decode_image(encoded(image, "TIFF", big_tiff=True)).tobytes() == image.tobytes()


def test_cmyk_jpeg_without_a_profile_keeps_its_colours() -> None:
    image = Image.new("RGB", (32, 32), (200, 60, 30))
    picture = decode_picture(encoded(image.convert("CMYK"), "JPEG", quality=95))
    assert picture.mode == "CMYK"
    assert np.abs(np.asarray(picture.image, dtype=int) - (200, 60, 30)).max() <= 4


@pytest.mark.parametrize(("kind", "name"), [("PNG", "APNG"), ("WEBP", "animated WebP"), ("TIFF", "pages")])
def test_what_holds_several_pictures_is_refused(kind: str, name: str) -> None:
    first, second = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    with pytest.raises(DataError, match="make it a clip"):
        decode_image(encoded(first, kind, save_all=True, append_images=[second]))


def test_an_animation_of_one_picture_is_a_picture() -> None:
    assert decode_image(encoded(Image.new("RGB", (16, 16), "red"), "WEBP", save_all=True)).size == (16, 16)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"GIF89a\1\0\1\0\0\0\0;", "a GIF"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html><html></html>", "a web page"),
        (b"\0\0\0\x1cftypheic\0\0\0\0", "a HEIC"),
    ],
)
def test_what_looks_like_a_picture_is_called_by_its_name(data: bytes, what: str) -> None:
    with pytest.raises(DataError, match=f"not a JPEG.*but {what}"):
        decode_image(data)


def test_thirty_thousand_pixels_square_are_refused_from_the_header() -> None:
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"not even zlib") + chunk(b"IEND", b"")
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="more than 50 megapixels"):
            decode_image(bomb)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF"])
def test_a_profile_of_absurd_size_is_ignored(kind: str) -> None:
    picture = decode_picture(encoded(Image.new("RGB", (16, 16), "red"), kind, icc_profile=bytes(5_000_000)))
    assert picture.profile == "unreadable"
    assert picture.image.getpixel((3, 3))[0] > 250


@pytest.mark.parametrize("name", ["text", "profile"])
def test_a_png_whose_metadata_swell_is_refused(name: str) -> None:
    info = PngInfo()
    info.add_text("comment", "x" * 5_000_000, zip=True)
    options = {"pnginfo": info} if name == "text" else {"icc_profile": bytes(5_000_000)}
    with pytest.raises(DataError, match="damaged picture: Decompressed data too large"):
        decode_image(encoded(Image.new("RGB", (16, 16)), "PNG", **options))


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("sign", ["<", ">"])
def test_a_tiff_with_more_fractions_than_sense_is_refused(sign: str, big: bool) -> None:
    many, mark = 20_000, 43 if big else 42
    head = struct.pack(f"{sign}HHHQ" if big else f"{sign}HI", *((mark, 8, 0, 16) if big else (mark, 8)))
    number = struct.pack(f"{sign}{'Q' if big else 'H'}", 1)
    entry = struct.pack(f"{sign}{'HHQQ' if big else 'HHII'}", 282, 5, many, 64)
    data = (b"II" if sign == "<" else b"MM") + head + number + entry
    with pytest.raises(DataError, match="more than 10,000 fractions"):
        decode_image(data.ljust(64, b"\0") + b"\1\0\0\0" * (2 * many))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_an_exif_block_of_absurd_size_is_refused(kind: str) -> None:
    # One orientation of a million fractions, which would all become objects.
    many = 150_000
    ifd = struct.pack("<HHHIII", 1, 0x0112, 5, many, 26, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<I", 8) + ifd + b"\1\0\0\0" * (2 * many)
    plain = encoded(Image.new("RGB", (16, 16)), kind)
    if kind == "JPEG":
        parts = [exif[at : at + 65_000].removeprefix(b"Exif\0\0") for at in range(0, len(exif), 65_000)]
        segments = [b"\xff\xe1" + struct.pack(">H", len(part) + 8) + b"Exif\0\0" + part for part in parts]
        data = plain[:2] + b"".join(segments) + plain[2:]
    elif kind == "PNG":
        data = plain[:33] + chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")) + plain[33:]
    else:
        data = encoded(Image.new("RGB", (16, 16)), kind, exif=exif)
    with pytest.raises(DataError, match="more than 1 MB of EXIF"):
        decode_image(data)


def test_the_history_of_a_jpeg_is_read(draw_picture: Callable[..., Image.Image]) -> None:
    histories = {
        (quality, sampling): decode_picture(encoded(draw_picture(1), "JPEG", quality=quality, subsampling=sampling))
        for quality in (75, 90)
        for sampling in ("4:4:4", "4:2:2", "4:2:0")
    }
    assert all(picture.subsampling == sampling for (_, sampling), picture in histories.items())
    assert {picture.mode for picture in histories.values()} == {"RGB"}
    tables = {quality: {p.quantisation for (q, _), p in histories.items() if q == quality} for quality in (75, 90)}
    assert len(tables[75]) == len(tables[90]) == 1
    assert tables[75] != tables[90]
    assert all(re.fullmatch("[0-9a-f]{8}", name) for name in tables[75])


def test_tables_that_differ_in_colour_only_are_told_apart(draw_picture: Callable[..., Image.Image]) -> None:
    luma, colour = [16] * 64, [17] * 64
    alike = [decode_picture(encoded(draw_picture(1), "JPEG", qtables=[luma, last])) for last in (luma, colour)]
    assert alike[0].jpeg_quality == alike[1].jpeg_quality
    assert alike[0].quantisation != alike[1].quantisation


def test_a_grey_jpeg_has_no_subsampling() -> None:
    picture = decode_picture(encoded(Image.new("L", (16, 16)), "JPEG"))
    assert (picture.mode, picture.subsampling) == ("L", "")
    assert picture.quantisation


def test_a_png_has_no_history(draw_picture: Callable[..., Image.Image]) -> None:
    picture = decode_picture(encoded(draw_picture(1), "PNG"))
    assert (picture.mode, picture.quantisation, picture.subsampling, picture.profile) == ("RGB", "", "", "")


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (MemoryError(), ResourceError, "memory ran out while the picture was decoded"),
        (OSError("out of memory when reading image file"), DataError, "damaged picture: out of memory"),
    ],
)
@pytest.mark.parametrize("where", ["_to_rgb", "_orientation"])
def test_python_running_out_of_memory_is_no_damage_a_codec_that_says_so_is(
    where: str, error: Exception, expected: type[DataError], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starve(_: Image.Image) -> None:
        raise error

    monkeypatch.setattr(f"unmask.data.decode.{where}", starve)
    with pytest.raises(DataError, match=message) as caught:
        decode_image(encoded(Image.new("RGB", (16, 16)), "PNG"))
    assert caught.type is expected


def test_a_picture_carries_nothing_on() -> None:
    srgb = ImageCmsProfile(createProfile("sRGB")).tobytes()
    picture = decode_picture(encoded(Image.new("RGB", (16, 16)), "PNG", icc_profile=srgb))
    assert picture.profile == "sRGB built-in"
    assert not picture.image.info
