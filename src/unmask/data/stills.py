"""A stored file as the still pictures it gives: a picture is one, a clip some frames evenly over it."""

from dataclasses import dataclass

from PIL import Image

from unmask.data.clips import looks_like_clip, read_frames, read_mask_frames
from unmask.data.containers import FORMATS
from unmask.data.decode import decode_mask, decode_picture
from unmask.data.jpeg import UNKNOWN_QUALITY
from unmask.errors import DataError


@dataclass(frozen=True)
class Limits:
    """The most that is decoded: megapixels, megabytes of a picture and of a clip; frames taken of a clip."""

    max_megapixels: float
    max_megabytes: float
    max_clip_megabytes: float
    clip_frames: int


@dataclass(frozen=True)
class History:
    """What the file says about how it was stored; of a clip `format` is the codec, the rest unknown."""

    format: str
    mode: str = ""
    jpeg_quality: int = UNKNOWN_QUALITY
    quantisation: str = ""
    subsampling: str = ""
    profile: str = ""


@dataclass(frozen=True)
class Still:
    """An upright RGB picture, its mask in grey or None, the number of its frame and its time in s, its history."""

    image: Image.Image
    mask: Image.Image | None
    frame: int
    time_s: float
    history: History


def is_clip(key: str) -> bool:
    """Whether a stored file is a clip, by its suffix, which ingest gives by content."""
    return key.rpartition(".")[2] in FORMATS


def stills_of(data: bytes, mask: bytes, limits: Limits) -> list[Still]:
    """Decode a file and its MASK (empty without one); of a clip, frames that its clip of masks lacks have none.

    Raises:
        ResourceError: memory ran out.
        DataError: it can't be used; the message is a short reason without a file name.
    """
    if looks_like_clip(data[:64]):
        return _frames(data, mask, limits)
    caps = {"max_megapixels": limits.max_megapixels, "max_megabytes": limits.max_megabytes}
    picture = decode_picture(data, **caps)
    history = History(
        picture.format, picture.mode, picture.jpeg_quality, picture.quantisation, picture.subsampling, picture.profile
    )
    return [Still(picture.image, decode_mask(mask) if mask else None, 0, 0.0, history)]


def _frames(data: bytes, mask: bytes, limits: Limits) -> list[Still]:
    if len(data) > limits.max_clip_megabytes * 1e6:
        raise DataError(f"larger than {limits.max_clip_megabytes:g} MB")
    frames = read_frames(data, limits.clip_frames, max_megapixels=limits.max_megapixels)
    masks: list[Image.Image | None] = [None] * len(frames)
    if mask:
        numbers = [frame.number for frame in frames]
        masks = read_mask_frames(mask, numbers, max_megapixels=limits.max_megapixels)
    return [
        Still(frame.image, altered, frame.number, frame.time_s, History(frame.codec))
        for frame, altered in zip(frames, masks, strict=True)
    ]
