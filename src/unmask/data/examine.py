"""Look at one file before it is taken in: its bytes, their hash, and whether they are a whole picture."""

import hashlib
import io
from dataclasses import dataclass

from PIL import Image

from unmask.data.decode import MAX_MEGABYTES, MAX_MEGAPIXELS, decode_mask, decode_picture
from unmask.data.sources.folders import MASKS, Found, Refused
from unmask.errors import DataError

_SUFFIX = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "TIFF": "tif"}


@dataclass(frozen=True)
class Caps:
    """The most that is read of a file: megapixels after decoding, megabytes before."""

    max_megapixels: float = MAX_MEGAPIXELS
    max_megabytes: float = MAX_MEGABYTES


@dataclass(frozen=True)
class Entry:
    """A whole picture: SHA-256 and size of its bytes, the suffix its format deserves, its upright size in pixels."""

    found: Found
    sha256: str
    bytes: int
    suffix: str
    size: tuple[int, int]

    @property
    def member(self) -> str:
        """Its name in a shard."""
        return f"{self.sha256}.{self.suffix}"


def examine(found: Found, caps: Caps) -> Entry | Refused:
    """Read and decode one file completely; what can't be used comes back as Refused with the reason."""
    try:
        data = read_capped(found, caps)
        picture = decode_picture(data, max_megapixels=caps.max_megapixels, max_megabytes=caps.max_megabytes)
    except DataError as error:
        return Refused(found.source.name, found.path, str(error))
    sha256 = hashlib.sha256(data).hexdigest()
    return Entry(found, sha256, len(data), _SUFFIX[picture.format], picture.image.size)


def read_capped(found: Found, caps: Caps) -> bytes:
    """Read a file that is not larger than the cap.

    Raises:
        DataError: it is larger or can't be read; the message is a short reason without a file name.
    """
    limit = int(caps.max_megabytes * 1e6)
    try:
        with found.file.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise DataError(f"can't be read: {error.strerror}") from error
    if not data:
        raise DataError("empty file")
    if len(data) > limit:
        raise DataError(f"larger than {caps.max_megabytes:g} MB")
    return data


def read_mask(entry: Entry, caps: Caps) -> bytes | None:
    """The mask of a picture as PNG bytes, None where it has none.

    Raises:
        DataError: there is one, but it can't be used; the message names it.
    """
    found = entry.found
    path = (found.source.folder / MASKS / found.path).with_suffix(".png")
    if not path.is_file():
        return None
    if not path.resolve().is_relative_to(found.source.folder.resolve()):
        raise DataError(f"{path}: symbolic link leaves the source's folder")
    if path.stat().st_size > caps.max_megabytes * 1e6:
        raise DataError(f"{path}: larger than {caps.max_megabytes:g} MB")
    try:
        data = path.read_bytes()
        mask = decode_mask(data, max_megapixels=caps.max_megapixels)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    if mask.size != entry.size:
        raise DataError(f"{path}: is {mask.width} x {mask.height}, its picture {entry.size[0]} x {entry.size[1]}")
    return data if data.startswith(b"\x89PNG") else _as_png(mask)


def _as_png(mask: Image.Image) -> bytes:
    stream = io.BytesIO()
    mask.save(stream, "PNG", compress_level=1)
    return stream.getvalue()
