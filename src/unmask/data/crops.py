"""One stored file to its crops: upright, around a face, not above a size, lossless, measured; in worker processes."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from unmask.data.boxes import square_around
from unmask.data.decode import pillow_quiet
from unmask.data.faces import Face, FaceDetector, Points, choose, create_detector, find_faces
from unmask.data.preprocess import shrink_to
from unmask.data.quality import measure
from unmask.data.shards import ShardReader
from unmask.data.stills import Limits, Still, is_clip, stills_of
from unmask.errors import DataError, ResourceError


@dataclass(frozen=True)
class CropSettings:
    """The settings that change a crop; sides in pixels, the rest as in params.yaml (assemble.faces)."""

    max_side_px: int
    min_side_px: int
    limits: Limits
    detector: str
    detector_version: str
    crop: str
    margin: float
    missing: str


@dataclass(frozen=True)
class Job:
    """A file to work on: where it and its mask lie below the batch's folder, its landmarks, whether it is a fake."""

    batch: Path
    key: str
    mask_key: str
    landmarks: Points | None
    forged: bool


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

    def __call__(self, jobs: list[Job]) -> list[list[Crop]]:
        """Crops of each job, in their order; none is without at least one, if only to say why.

        Raises:
            DataError: a shard is damaged, or memory ran out over a file; a file that is damaged only has a reason.
        """
        with pillow_quiet():
            return [self._make(job) for job in jobs]

    def _make(self, job: Job) -> list[Crop]:
        reader = _reader(job.batch)
        data = reader.read(job.key)
        mask = reader.read(job.mask_key) if job.mask_key else b""
        try:
            stills = stills_of(data, mask, self.settings.limits)
            crops = [crop for still in stills for crop in self._crops(job, still)]
        except (MemoryError, ResourceError):
            # As a reason it would be kept with the shard's crops, and the file never be tried again.
            raise DataError(
                f"{job.batch / job.key}: memory ran out over it; try a smaller scale.workers, or have it left out "
                "by a smaller assemble.max_megapixels"
            ) from None
        except DataError as error:
            return [Crop(job.key, str(error))]
        return [*crops, *_without_mask(job, stills)] if mask else crops

    def _crops(self, job: Job, still: Still) -> Iterator[Crop]:
        where = f" in frame {still.frame}" if still.frame else ""
        if job.forged and still.mask is not None and np.asarray(still.mask).max() <= 127:
            yield Crop(job.key, f"its mask marks nothing{where}, though it is called fake")
            return
        faces = self._faces(job, still.image)
        taken = choose(faces or [], self.settings.crop, forged=job.forged, mask=still.mask)
        wanted = self.settings.crop != "none" or faces is not None
        if not taken and wanted and self.settings.missing == "quarantine":
            yield Crop(job.key, f"no face{' under its mask' if faces else ''} found{where}")
        elif self.settings.crop == "none" or not taken:
            score = None if faces is None else 0.0
            yield self._crop(job, still, None, number=0, face=taken[0][1] if taken else None, score=score)
        else:
            for number, face in taken:
                box = square_around(face.extent, still.image.size, margin=self.settings.margin)
                yield self._crop(job, still, box, number=number, face=face, score=None)

    def _faces(self, job: Job, image: Image.Image) -> list[Face] | None:
        """The faces of a picture; those that came with it win. None where nobody looked."""
        if job.landmarks is not None and not is_clip(job.key):
            return [Face((0.0, 0.0, float(image.width), float(image.height)), 1.0, job.landmarks.reshape(-1, 2))]
        return None if self.settings.detector == "none" else find_faces(_detector(self.settings.detector), image)

    def _crop(
        self,
        job: Job,
        still: Still,
        box: tuple[int, int, int, int] | None,
        *,
        number: int,
        face: Face | None,
        score: float | None,
    ) -> Crop:
        cut = still.image if box is None else still.image.crop(box)
        if min(cut.size) < self.settings.min_side_px:
            what = "shorter side" if box is None else "face with its margin"
            return Crop(job.key, f"{what} under {self.settings.min_side_px} px")
        image = shrink_to(cut, self.settings.max_side_px)
        row = {
            **vars(measure(image)),
            **vars(still.history),
            "picture_width": still.image.width,
            "picture_height": still.image.height,
            "frame": still.frame,
            "frame_time_s": still.time_s,
            "face": number,
            "crop_box": None if box is None else [float(value) for value in box],
            "face_score": score if face is None else face.score,
            "landmarks": _moved(face, box, cut.size, image.size),
        }
        return Crop(job.key, png=_png(image), mask_png=_mask_png(still, box, image.size), row=row)


def _without_mask(job: Job, stills: list[Still]) -> Iterator[Crop]:
    """What goes to the list of reasons where a clip of masks is shorter than its clip, whose crops all stay."""
    bare = [still.frame for still in stills if still.mask is None]
    if bare:
        several = f"{len(bare)} of {len(stills)} frames taken (first: {bare[0]})"
        yield Crop(job.key, f"its clip of masks lacks {several}; they are used as frames without a mask")


def _moved(
    face: Face | None, box: tuple[int, int, int, int] | None, cut: tuple[int, int], size: tuple[int, int]
) -> Points | None:
    """A face's points in the pixels of its crop of SIZE, which was CUT at BOX and shrunk."""
    if face is None or face.points is None:
        return None
    corner = np.array([0, 0] if box is None else box[:2], dtype=np.float32)
    scale = np.array([size[0] / cut[0], size[1] / cut[1]], dtype=np.float32)
    return ((face.points - corner) * scale).astype(np.float32).ravel()


def _mask_png(still: Still, box: tuple[int, int, int, int] | None, size: tuple[int, int]) -> bytes:
    if still.mask is None:
        return b""
    mask = still.mask
    if mask.size != still.image.size:
        mask = mask.resize(still.image.size, Image.Resampling.BOX)
    cut = mask if box is None else mask.crop(box)
    return _png(cut if cut.size == size else cut.resize(size, Image.Resampling.BOX))


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


@cache
def _reader(batch: Path) -> ShardReader:
    return ShardReader(batch)


@cache
def _detector(name: str) -> FaceDetector:
    return create_detector(name)
