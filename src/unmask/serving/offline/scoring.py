"""Files to rows: decoded as assemble decodes, cropped and scored as the service does."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Literal

import numpy as np

from unmask.data.clips import looks_like_clip
from unmask.data.preprocess import Pixels
from unmask.data.stills import Limits, Still, is_clip, stills_of
from unmask.errors import DataError, UnmaskError
from unmask.serving.bundle import Bundle
from unmask.serving.clips.verdict import judge_frames
from unmask.serving.offline.names import escaped, text_of
from unmask.serving.runtime import BATCH, Answer, Runtime

Level = Literal["picture", "frame", "clip", "refused"]
CHUNK = 16  # pictures a task: a batch that ONNX Runtime likes, small enough to share out evenly
_HEAD_BYTES = 64


@dataclass(frozen=True)
class Row:
    """One line of the answer; numbers are None where they mean nothing, `error` says why a file was refused.

    A clip has a row for each frame that was looked at, then one of level `clip`: the mean of its frames' log-odds,
    calibrated, as evaluation judges clips, held against the same thresholds.
    """

    path: str
    level: Level
    frame: int | None = None
    time_s: float | None = None
    p_fake: float | None = None
    verdict: str = ""
    logit: float | None = None
    sentence: str = ""
    attributes: dict[str, float] = field(default_factory=dict)
    error: str = ""


def limits_of(bundle: Bundle) -> Limits:
    """The most that is decoded, and the frames taken of a clip: as for the data the model was trained on.

    Raises:
        DataError: the bundle does not say.
    """
    settings = bundle.params.get("assemble", {})
    try:
        return Limits(
            max_megapixels=float(settings["max_megapixels"]),
            max_megabytes=float(settings["max_megabytes"]),
            max_clip_megabytes=float(settings["max_clip_megabytes"]),
            clip_frames=int(settings["clip_frames"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"bundle.json: params.assemble: {error} is missing or no number; package it again") from None


def in_chunks(paths: Iterator[Path]) -> Iterator[list[Path]]:
    """Some pictures, or one clip, at a time, in order; a file's name only decides how the work is shared out."""
    for moving, alike in groupby(paths, key=lambda path: is_clip(path.name.lower())):
        size = 1 if moving else CHUNK
        chunk: list[Path] = []
        for path in alike:
            chunk.append(path)
            if len(chunk) == size:
                yield chunk
                chunk = []
        if chunk:
            yield chunk


@dataclass(frozen=True)
class Scorer:
    """Score files from any number of threads; whatever is wrong with a file becomes its row."""

    runtime: Runtime
    limits: Limits

    def __call__(self, paths: Sequence[Path]) -> list[list[Row]]:
        """Rows of each file, in order, at least one a file."""
        read = [self._read(path) for path in paths]
        crops = [crop for found in read if not isinstance(found, str) for _, crop in found]
        answers = iter(self._answer(crops))
        return [
            [Row(text_of(path), "refused", error=escaped(found))]
            if isinstance(found, str)
            else self._rows(path, [(still, next(answers)) for still, _ in found])
            for path, found in zip(paths, read, strict=True)
        ]

    def _read(self, path: Path) -> list[tuple["_Place", Pixels]] | str:
        """The crops of a file, each with its place in it, or why there are none."""
        try:
            data = _read_capped(path, self.limits)
            return [
                (_Place.of(still, moving=looks_like_clip(data[:_HEAD_BYTES])), self.runtime.prepare(still.image))
                for still in stills_of(data, b"", self.limits)
            ]
        except UnmaskError as error:
            return str(error)
        except MemoryError:
            return "memory ran out over it; try fewer --workers"
        except OSError as error:
            return error.strerror or type(error).__name__

    def _answer(self, crops: list[Pixels]) -> Iterator[Answer]:
        for start in range(0, len(crops), BATCH):
            yield from self.runtime.predict_crops(np.stack(crops[start : start + BATCH]))

    def _rows(self, path: Path, answered: list[tuple["_Place", Answer]]) -> list[Row]:
        name = text_of(path)
        rows = [_row(name, place, answer) for place, answer in answered]
        if rows[0].level == "picture":
            return rows
        clip = judge_frames([answer for _, answer in answered], self.runtime.bundle.calibration)
        last = Row(name, "clip", p_fake=clip.p_fake, verdict=clip.verdict, logit=clip.logit, sentence=clip.sentence)
        return [*rows, last]


@dataclass(frozen=True)
class _Place:
    frame: int | None
    time_s: float | None

    @classmethod
    def of(cls, still: Still, *, moving: bool) -> "_Place":
        return cls(still.frame, still.time_s) if moving else cls(None, None)


def _row(name: str, place: _Place, answer: Answer) -> Row:
    return Row(
        path=name,
        level="picture" if place.frame is None else "frame",
        frame=place.frame,
        time_s=place.time_s,
        p_fake=answer.p_fake,
        verdict=answer.verdict,
        logit=answer.logit,
        sentence=answer.sentence,
        attributes=answer.attributes,
    )


def _read_capped(path: Path, limits: Limits) -> bytes:
    """A file's bytes, but for those of a file that is larger than its kind may be."""
    # Opening a pipe would wait for ever; of a folder that can't be listed, opening it says why.
    if not (path.is_file() or path.is_dir()) and path.exists():
        raise DataError("not a regular file")
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
        most = limits.max_clip_megabytes if looks_like_clip(head) else limits.max_megabytes
        size = os.fstat(stream.fileno()).st_size
        if size > most * 1e6:
            raise DataError(f"larger than {most:g} MB")
        return head + stream.read(size)
