"""Look at one file before it is taken in: its bytes, their hash, and whether they are a whole picture or clip."""

import hashlib
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from unmask.data.clips import looks_like_clip, probe
from unmask.data.decode import MAX_MEGABYTES, MAX_MEGAPIXELS, decode_mask, decode_picture
from unmask.data.sources.layout import Found, Refused, without_suffix
from unmask.data.sources.tree import Tree
from unmask.errors import ConfigError, DataError, ResourceError

MAX_CLIP_MEGABYTES = 256.0
_SUFFIX = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "TIFF": "tif"}
_PNG = b"\x89PNG"


@dataclass(frozen=True)
class Caps:
    """The most that is read of a file: megapixels after decoding, megabytes before, of a picture and of a clip."""

    max_megapixels: float = MAX_MEGAPIXELS
    max_megabytes: float = MAX_MEGABYTES
    max_clip_megabytes: float = MAX_CLIP_MEGABYTES

    def megabytes(self, head: bytes) -> float:
        """The cap on a file that begins with HEAD."""
        return self.max_clip_megabytes if looks_like_clip(head) else self.max_megabytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A whole picture or clip: SHA-256 and size of its bytes, the suffix its format deserves, upright size in px."""

    found: Found
    sha256: str
    bytes: int
    suffix: str
    size: tuple[int, int]
    moving: bool

    @property
    def member(self) -> str:
        """Its name in a shard."""
        return f"{self.sha256}.{self.suffix}"

    @property
    def clip(self) -> str:
        """The clip it is or belongs to, "" for a single picture."""
        return self.found.clip or (without_suffix(self.found.path) if self.moving else "")


@dataclass(frozen=True)
class Mask:
    """A mask's bytes, and the suffix of its name in a shard."""

    data: bytes
    suffix: str


def examine(found: Found, tree: Tree, caps: Caps) -> Entry | Refused:
    """Read and decode one file: a picture completely, of a clip a frame; what can't be used comes back as Refused.

    Raises:
        ResourceError: there was too little memory to tell.
    """
    try:
        data = tree.read(found.file, max_megabytes=caps.megabytes)
        suffix, size, moving = _look(data, caps)
    except ResourceError as error:
        # Left out of a batch, a real would never be linked with its fakes.
        raise ResourceError(f"{tree.at(found.file)}: {error}; no batch was written, run again") from error
    except (ConfigError, DataError) as error:
        return Refused(found.source, found.path, str(error))
    return Entry(found, hashlib.sha256(data).hexdigest(), len(data), suffix, size, moving)


def read_mask(entry: Entry, tree: Tree, caps: Caps) -> Mask | None:
    """The mask of a picture as PNG, of a clip as a clip in its own bytes; None where it has none.

    Raises:
        DataError: there is one, but it can't be used; the message names it.
        ResourceError: there was too little memory to tell.
    """
    path = entry.found.mask
    if not path:
        return None
    try:
        return _read_mask(tree.read(path, max_megabytes=caps.megabytes), entry, caps)
    except ResourceError as error:
        # Left out of a batch, a mask would stay out: batches are never touched again.
        raise ResourceError(f"{tree.at(path)}: {error}; no batch was written, run again") from error
    except (ConfigError, DataError) as error:
        raise DataError(f"{tree.at(path)}: {error}") from error


def _look(data: bytes, caps: Caps) -> tuple[str, tuple[int, int], bool]:
    if looks_like_clip(data[:64]):
        facts = probe(data, max_megapixels=caps.max_megapixels)
        return facts.suffix, (facts.width, facts.height), True
    picture = decode_picture(data, max_megapixels=caps.max_megapixels, max_megabytes=caps.max_megabytes)
    return _SUFFIX[picture.format], picture.image.size, False


def _read_mask(data: bytes, entry: Entry, caps: Caps) -> Mask:
    moving = looks_like_clip(data[:64])
    if moving != entry.moving:
        raise DataError(f"is a {_kind(moving)}, masks a {_kind(entry.moving)}")
    if moving:
        facts = probe(data, max_megapixels=caps.max_megapixels)
        mask, size = Mask(data, facts.suffix), (facts.width, facts.height)
    else:
        image = decode_mask(data, max_megapixels=caps.max_megapixels)
        mask, size = Mask(data if data.startswith(_PNG) else _as_png(image), "png"), image.size
    if size != entry.size:
        kind = _kind(moving)
        raise DataError(f"is {size[0]} x {size[1]}, its {kind} {entry.size[0]} x {entry.size[1]}")
    if not moving and 0 < (brightest := int(np.asarray(image).max())) <= 127:
        raise DataError(f"marks nothing: 255 is altered, its brightest value is {brightest}")
    return mask


def _kind(moving: bool) -> str:
    return "clip" if moving else "picture"


def _as_png(mask: Image.Image) -> bytes:
    stream = io.BytesIO()
    mask.save(stream, "PNG", compress_level=1)
    return stream.getvalue()
