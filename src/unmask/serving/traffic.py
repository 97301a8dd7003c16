"""One row a prediction, for whoever watches what the service is asked: written by `TrafficLog`, read by a monitor."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
import numpy.typing as npt

from unmask.serving.picture_quality import Quality
from unmask.serving.retention import remove_all
from unmask.serving.verdict import Verdict
from unmask.strict import read_dataclass

FOLDER = "traffic"
PROJECTED = 16
_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})\.[0-9a-f]{8}\.\d{3,}\.jsonl")
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True)
class TrafficRow:
    """What is kept of one prediction; never the picture, its name, or who sent it.

    TIME is in UTC, ROUTE the path that was asked, PROBABILITY the calibrated one of a forgery, MARGINALS attribute
    probabilities by label, QUALITY None where it was not measured, EMBEDDING (16,) as `project` gives it. Embeddings
    of different model versions have nothing to do with each other.
    """

    id: str
    time: datetime
    route: str
    model_version: str
    data_hash: str
    probability: float
    logit: float
    verdict: Verdict
    marginals: dict[str, float]
    quality: Quality | None
    embedding: npt.NDArray[np.float16]

    def to_json(self) -> str:
        """One line, without its end."""
        value = vars(self) | {
            "time": self.time.isoformat(timespec="milliseconds"),
            "probability": round(self.probability, 6),
            "logit": round(self.logit, 5),
            "marginals": {name: round(each, 4) for name, each in self.marginals.items()},
            "quality": asdict(self.quality) if self.quality else None,
            "embedding": [round(each, 4) for each in self.embedding.tolist()],
        }
        return json.dumps(value, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, line: str | bytes) -> "TrafficRow":
        """Read what `to_json` wrote.

        Raises:
            ValueError: the line is damaged.
        """
        try:
            value = json.loads(line)
            return cls(
                id=_text(value["id"]),
                time=_utc(value["time"]),
                route=_text(value["route"]),
                model_version=_text(value["model_version"]),
                data_hash=_text(value["data_hash"]),
                probability=float(value["probability"]),
                logit=float(value["logit"]),
                verdict=_verdict(value["verdict"]),
                marginals={name: float(each) for name, each in value["marginals"].items()},
                quality=None if value["quality"] is None else read_dataclass(Quality, value["quality"], "quality."),
                embedding=_embedding(value["embedding"]),
            )
        except _BROKEN as error:
            raise ValueError(f"not a traffic row ({type(error).__name__}: {error})") from None


class Traffic:
    """Rows of a span of time; iterate as often as needed, each time the files are read again.

    After an iteration `damaged` is the number of lines in it that were skipped: a worker that was killed leaves at
    most one half-written line.
    """

    def __init__(self, state: Path, start: datetime, end: datetime) -> None:
        self._folder, self._start, self._end = state / FOLDER, start, end
        self.damaged = 0

    def __iter__(self) -> Iterator[TrafficRow]:
        """Rows file by file: in order of time within a worker's file, not across workers."""
        self.damaged = 0
        first, last = (time.astimezone(UTC).date() for time in (self._start, self._end))
        for path in sorted(self._folder.glob("*.jsonl")):
            day = day_of(path)
            # A row is written moments after it was made: one of just before midnight to the next day's file.
            if day is not None and first <= day and (day - last).days <= 1:
                yield from self._rows(path)

    def _rows(self, path: Path) -> Iterator[TrafficRow]:
        with path.open("rb") as stream:
            for line in stream:
                try:
                    row = TrafficRow.from_json(line)
                except ValueError:
                    self.damaged += 1
                    continue
                if self._start <= row.time < self._end:
                    yield row


def read_traffic(state: Path, start: datetime, end: datetime) -> Traffic:
    """Rows of predictions made from START to before END, both with a time zone, of all workers that share STATE.

    Raises:
        ValueError: a time has no zone.
    """
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("start and end need a time zone")
    return Traffic(state, start, end)


def day_of(path: Path) -> date | None:
    """The day (UTC) of a file of rows; None for any other file."""
    found = _NAME.fullmatch(path.name)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def file_name(day: date, worker: str, number: int) -> str:
    """The name of a worker's file of a day; NUMBER counts on where a file has grown too large."""
    return f"{day.isoformat()}.{worker}.{number:03d}.jsonl"


def remove_old(state: Path, before: date) -> int:
    """Remove files of rows of the days BEFORE, of whatever worker; returns how many."""
    old = [path for path in (state / FOLDER).glob("*.jsonl") if (day := day_of(path)) is not None and day < before]
    remove_all(old)
    return len(old)


def project(embedding: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float16]:
    """Shorten an embedding (D,) to float16 (16,) by a fixed random projection, which about keeps distances."""
    largest = np.finfo(np.float16).max
    return np.asarray((embedding @ _directions(len(embedding))).clip(-largest, largest), dtype=np.float16)


@cache
def _directions(width: int) -> npt.NDArray[np.float32]:
    # Signs from a hash are the same with every version of NumPy, which its generators do not promise.
    drawn = np.frombuffer(hashlib.shake_256(b"unmask traffic").digest(width * PROJECTED // 8), dtype=np.uint8)
    signs = np.unpackbits(drawn).reshape(width, PROJECTED).astype(np.float32) * 2 - 1
    return signs / np.float32(np.sqrt(PROJECTED))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _utc(value: str) -> datetime:
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    return time


def _verdict(value: object) -> Verdict:
    if value not in get_args(Verdict):
        raise ValueError("unknown verdict")
    return cast("Verdict", value)


def _embedding(value: object) -> npt.NDArray[np.float16]:
    array = np.asarray(value, dtype=np.float16)
    if array.shape != (PROJECTED,):
        raise ValueError("embedding of another length")
    return array
