"""One stored picture to one crop: upright, not above a size, lossless, measured; runs in worker processes."""

import io
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from unmask.data.decode import Picture, decode_mask, decode_picture, pillow_quiet
from unmask.data.faces import FaceFinder
from unmask.data.preprocess import shrink_to
from unmask.data.quality import brightness, content_id, luma, perceptual_hash, sharpness
from unmask.data.shards import ShardReader
from unmask.errors import DataError

Points = npt.NDArray[np.float32]
# Part of every cache key: a change of what this module computes must make crops anew.
VERSION = 1


@dataclass(frozen=True)
class CropSettings:
    """The settings that change a crop; sides in pixels, landmarks none | sidecar | mediapipe."""

    max_side_px: int
    min_side_px: int
    max_megapixels: float
    max_megabytes: float
    landmarks: str


@dataclass(frozen=True)
class Job:
    """A picture to work on: where it and its mask lie below the batch's folder, and the landmarks it came with."""

    batch: Path
    key: str
    mask_key: str
    landmarks: Points | None


@dataclass(frozen=True)
class Crop:
    """A crop as PNG bytes with its mask and its row of measurements; `reason` says why there is none."""

    key: str
    reason: str = ""
    png: bytes = b""
    mask_png: bytes = b""
    row: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CropMaker:
    """Make crops with one set of settings; cheap to send to a worker process."""

    settings: CropSettings

    def __call__(self, jobs: list[Job]) -> list[Crop]:
        """Crops of the jobs, in their order.

        Raises:
            DataError: a shard is damaged; a picture that is damaged only has a reason.
        """
        with pillow_quiet():
            return [self._make(job) for job in jobs]

    def _make(self, job: Job) -> Crop:
        reader = _reader(job.batch)
        data = reader.read(job.key)
        mask_data = reader.read(job.mask_key) if job.mask_key else b""
        limits = {"max_megapixels": self.settings.max_megapixels, "max_megabytes": self.settings.max_megabytes}
        try:
            picture = decode_picture(data, **limits)
            if min(picture.image.size) < self.settings.min_side_px:
                return Crop(job.key, f"shorter side under {self.settings.min_side_px} px")
            return self._crop(job, picture, mask_data)
        except DataError as error:
            return Crop(job.key, str(error))

    def _crop(self, job: Job, picture: Picture, mask_data: bytes) -> Crop:
        image = shrink_to(picture.image, self.settings.max_side_px)
        landmarks, score = self._landmarks(job, picture.image, image)
        row = asdict(_measure(image)) | {
            "picture_width": picture.image.width,
            "picture_height": picture.image.height,
            "format": picture.format,
            "jpeg_quality": picture.jpeg_quality,
            "face_score": score,
            "landmarks": landmarks,
        }
        return Crop(job.key, png=_png(image), mask_png=_mask_png(mask_data, image), row=row)

    def _landmarks(self, job: Job, picture: Image.Image, image: Image.Image) -> tuple[Points | None, float | None]:
        if self.settings.landmarks == "none":
            return None, None
        if job.landmarks is not None:
            scale = np.array([image.width / picture.width, image.height / picture.height], dtype=np.float32)
            return (job.landmarks.reshape(-1, 2) * scale).ravel(), 1.0
        if self.settings.landmarks == "sidecar":
            return None, None
        found = _face_finder().landmarks(image)
        return found, float(found is not None)


@dataclass(frozen=True)
class _Measured:
    image_id: str
    width: int
    height: int
    sharpness: float
    brightness: float
    phash: str


def _measure(image: Image.Image) -> _Measured:
    grey = luma(image)
    return _Measured(
        content_id(image), image.width, image.height, sharpness(grey), brightness(grey), perceptual_hash(image)
    )


def _mask_png(data: bytes, image: Image.Image) -> bytes:
    if not data:
        return b""
    mask = decode_mask(data)
    return _png(mask if mask.size == image.size else mask.resize(image.size, Image.Resampling.BOX))


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


@cache
def _reader(batch: Path) -> ShardReader:
    return ShardReader(batch)


@cache
def _face_finder() -> FaceFinder:
    return FaceFinder()
