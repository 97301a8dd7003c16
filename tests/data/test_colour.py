import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from PIL.ImageCms import ImageCmsProfile, createProfile

from unmask.data.colour import MAX_PROFILE_BYTES, profile_name, to_srgb
from unmask.data.decode import decode_picture

WHITE_D50 = (0.9642, 1.0, 0.8249)
# Columns of red, green and blue in XYZ, adapted to D50.
DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
SRGB = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
ADOBE_GAMMA = 563 / 256
CYAN = (60.0, -40.0, -40.0)  # L*, a*, b* of the ink


def fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(fixed, values))


def curve(gamma: float) -> bytes:
    return b"curv" + struct.pack(">IIH", 0, 1, round(gamma * 256))


def srgb_curve() -> bytes:
    table = [round(65535 * srgb_to_linear(np.array(value / 1023)).item()) for value in range(1024)]
    return b"curv" + struct.pack(">II1024H", 0, 1024, *table)


def make_profile(space: bytes, tags: dict[bytes, bytes], *, name: str, kind: bytes = b"mntr") -> bytes:
    """An ICC profile of version 2 by the tables of ICC.1:2001-04; its connection space is Lab for CMYK, else XYZ."""
    text = name.encode() + b"\0"
    described = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(79), b"wtpt": xyz(WHITE_D50)}
    place, table, body = 128 + 4 + 12 * (len(tags) + 2), b"", b""
    for tag, content in (described | tags).items():
        table += tag + struct.pack(">II", place + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    connection = b"Lab " if space == b"CMYK" else b"XYZ "
    head = struct.pack(">I4xI4s4s4s12x4s28x", place + len(body), 0x02400000, kind, space, connection, b"acsp")
    return (head + b"".join(map(fixed, WHITE_D50))).ljust(128, b"\0") + struct.pack(">I", len(tags) + 2) + table + body


def rgb_profile(columns: tuple[tuple[float, ...], ...], transfer: bytes, name: str) -> bytes:
    tags = {tag: xyz(column) for tag, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)}
    return make_profile(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), transfer), name=name)


def cmyk_profile() -> bytes:
    """White paper, an ink CYAN, everything else black, linear between them."""
    nodes = b""
    for node in range(16):
        lightness, a, b = (100.0, 0.0, 0.0) if node == 0 else CYAN if node == 8 else (0.0, 0.0, 0.0)
        nodes += bytes([round(lightness * 2.55), round(a + 128), round(b + 128)])
    identity = b"".join(fixed(value) for value in (1, 0, 0, 0, 1, 0, 0, 0, 1))
    ramp = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + ramp * 4 + nodes + ramp * 3
    return make_profile(b"CMYK", {b"A2B0": lut, b"A2B1": lut}, name="Two inks", kind=b"prtr")


def srgb_to_linear(value: np.ndarray) -> np.ndarray:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def from_xyz(values: np.ndarray) -> np.ndarray:
    """XYZ under D50 to sRGB levels by IEC 61966-2-1."""
    linear = (values @ np.linalg.inv(np.array(SRGB))).clip(0, 1)
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def from_lab(lightness: float, a: float, b: float) -> np.ndarray:
    y = (lightness + 16) / 116
    f = np.array([y + a / 500, y, y - b / 200])
    return from_xyz(np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * np.array(WHITE_D50))


P3 = rgb_profile(DISPLAY_P3, srgb_curve(), "Display P3")
ADOBE = rgb_profile(ADOBE_RGB, curve(ADOBE_GAMMA), "Adobe RGB (1998)")
GREY = make_profile(b"GRAY", {b"kTRC": curve(1.0)}, name="Linear grey")


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize("colour", [(200, 100, 50), (10, 120, 90), (128, 128, 128), (255, 0, 0), (30, 30, 200)])
@pytest.mark.parametrize(
    ("profile", "columns", "linear"),
    [
        (P3, DISPLAY_P3, srgb_to_linear),
        (ADOBE, ADOBE_RGB, lambda value: value**ADOBE_GAMMA),
    ],
    ids=["Display P3", "Adobe RGB"],
)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_rgb_profiles_are_converted(
    profile: bytes,
    columns: tuple[tuple[float, ...], ...],
    linear: Callable[[np.ndarray], np.ndarray],
    colour: tuple[int, int, int],
    kind: str,
) -> None:
    picture = decode_picture(encoded(Image.new("RGB", (16, 16), colour), kind, icc_profile=profile))
    expected = from_xyz(linear(np.array(colour) / 255) @ np.array(columns))
    assert np.abs(np.array(picture.image.getpixel((5, 5))) - expected).max() <= 2
    assert picture.profile == profile_name(profile)


def test_names_are_read() -> None:
    assert [profile_name(each) for each in (P3, ADOBE, cmyk_profile())] == [
        "Display P3",
        "Adobe RGB (1998)",
        "Two inks",
    ]


@pytest.mark.parametrize("kind", ["TIFF", "JPEG"])
def test_a_cmyk_profile_is_converted(kind: str) -> None:
    for inks, lab in (((0, 0, 0, 0), (100, 0, 0)), ((255, 0, 0, 0), CYAN), ((0, 0, 0, 255), (0, 0, 0))):
        image = Image.new("CMYK", (16, 16), inks)
        options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
        found = decode_picture(encoded(image, kind, icc_profile=cmyk_profile(), **options)).image.getpixel((5, 5))
        assert np.abs(np.array(found) - from_lab(*lab)).max() <= 4


def test_a_grey_profile_is_converted() -> None:
    image = Image.fromarray(np.full((16, 16), 100, dtype=np.uint8))
    found = decode_picture(encoded(image, "PNG", icc_profile=GREY)).image.getpixel((5, 5))
    expected = from_xyz(np.array(WHITE_D50) * 100 / 255)
    assert np.abs(np.array(found) - expected).max() <= 2


def test_alpha_stays_beside_a_profile() -> None:
    image = Image.new("RGBA", (16, 16), (200, 100, 50, 255))
    image.paste((9, 9, 9, 0), (8, 0, 16, 16))
    found = decode_picture(encoded(image, "PNG", icc_profile=P3)).image
    assert found.getpixel((3, 3)) == to_srgb(image.convert("RGB"), P3).getpixel((3, 3))
    assert found.getpixel((12, 3)) == (255, 255, 255)


def test_srgb_itself_touches_no_pixel() -> None:
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    for profile in (ImageCmsProfile(createProfile("sRGB")).tobytes(), rgb_profile(SRGB, srgb_curve(), "Like sRGB")):
        assert to_srgb(image, profile) is image


def test_the_same_bytes_give_the_same_pixels() -> None:
    image = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    assert to_srgb(image, P3).tobytes() == to_srgb(image, bytes(bytearray(P3))).tobytes() != image.tobytes()


@pytest.mark.parametrize(
    "profile",
    [
        b"",
        b"no profile",
        P3[:200],
        P3[:-3000],
        P3.replace(b"mntr", b"link"),
        cmyk_profile(),
        GREY,
        P3 + bytes(MAX_PROFILE_BYTES),
        make_profile(b"RGB ", {}, name="Empty"),
    ],
    ids=["none", "text", "cut short", "table cut", "device link", "of CMYK", "of grey", "absurd", "empty"],
)
def test_a_profile_that_does_not_fit_is_ignored(profile: bytes) -> None:
    image = Image.new("RGB", (16, 16), (200, 100, 50))
    assert to_srgb(image, profile) is image
    assert decode_picture(encoded(image, "TIFF", icc_profile=profile)).image.getpixel((3, 3)) == (200, 100, 50)


def test_a_profile_without_a_name_has_a_word_for_it() -> None:
    assert profile_name(b"no profile") == "unreadable"
    assert profile_name(make_profile(b"RGB ", {}, name="Two\nlines" + "x" * 100)) == "Twolines" + "x" * 32
