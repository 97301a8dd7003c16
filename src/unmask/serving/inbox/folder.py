"""The inbox on disk: daily files of rows and pictures by id, with a cap on a day's bytes, shared by all workers."""

import dataclasses
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

from unmask.dates import today
from unmask.errors import DataError, UnmaskError
from unmask.files import replacing
from unmask.serving.inbox.rows import CAPTURED, FEEDBACK, FEEDBACK_PICTURES, INBOX, SUFFIXES, CapturedRow, FeedbackRow
from unmask.serving.retention import remove_all

BLOCK = 4096  # bytes that a file takes at least: many tiny pictures fill a disk, too
_LOCK, _USED = ".lock", ".used"


class InboxFullError(UnmaskError):
    """The inbox has taken what it may take today."""


class InboxFolder:
    """STATE/inbox, which takes DAILY_MEGABYTES a day (UTC); safe to write to from any thread and process.

    Nobody but the service's user can read it: it holds people's pictures.
    """

    def __init__(self, state: Path, *, daily_megabytes: float) -> None:
        self._root, self._most = state / INBOX, int(daily_megabytes * 1e6)

    def add_feedback(self, row: FeedbackRow, picture: bytes) -> None:
        """Append a row; its PICTURE is kept if there is one.

        Raises:
            DataError: another picture is kept for the row's id.
            InboxFullError: today's bytes are used up.
            OSError: the disk does not take it.
        """
        self._add(row, self._root / FEEDBACK, picture, self._root / FEEDBACK_PICTURES)

    def add_captured(self, row: CapturedRow, picture: bytes) -> None:
        """Append a row and keep its picture; raises as add_feedback does."""
        self._add(row, self._root / CAPTURED, picture, self._root / CAPTURED)

    def sweep(self, before: date) -> None:
        """Remove daily files and pictures of the days BEFORE, and what a killed writer left under a temporary name."""
        if not self._root.is_dir():
            return
        with self._locked():
            remove_all(path for path in self._root.glob("*/*") if path.is_file() and _day_of(path) < before)

    def _add(self, row: FeedbackRow | CapturedRow, rows: Path, picture: bytes, pictures: Path) -> None:
        line = json.dumps(dataclasses.asdict(row), allow_nan=False).encode() + b"\n"
        with self._locked():
            fresh = bool(picture) and not _is_kept(picture, pictures, row)
            self._take(len(line) + (max(BLOCK, len(picture)) if fresh else 0))
            for folder in (rows, pictures) if picture else (rows,):
                folder.mkdir(mode=0o700, exist_ok=True)
            if fresh:
                with replacing(pictures / row.picture) as temporary:
                    _private(temporary).write_bytes(picture)
            elif picture:
                # It was sent again today, and what is too old is told by this.
                os.utime(pictures / row.picture)
            _append(rows / f"{today()}.jsonl", line)

    def _take(self, size: int) -> None:
        """Count SIZE bytes as used today."""
        used = self._used() + size
        if used > self._most:
            raise InboxFullError(f"the inbox takes {self._most / 1e6:g} MB a day; try again tomorrow")
        _private(self._root / _USED).write_text(f"{today()} {used}")

    def _used(self) -> int:
        """Bytes taken today: as counted, or, where the count is damaged, as found."""
        day = today()
        try:
            counted, used = (self._root / _USED).read_text().split()
            return int(used) if counted == day.isoformat() else 0
        except FileNotFoundError:
            return 0
        except ValueError:
            return sum(max(BLOCK, path.stat().st_size) for path in self._root.glob("*/*") if _day_of(path) == day)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._root.parent.mkdir(parents=True, exist_ok=True)
        self._root.mkdir(mode=0o700, exist_ok=True)
        with _private(self._root / _LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def picture_name(prediction_id: str, kind: str) -> str:
    """A kept picture's file name: from the prediction's id and the format it was found to be of, nothing else."""
    return f"{prediction_id}.{SUFFIXES[kind]}"


def sha256(picture: bytes) -> str:
    """In hex; "" without a picture."""
    return hashlib.sha256(picture).hexdigest() if picture else ""


def _day_of(path: Path) -> date:
    """A daily file's by its name, any other file's by when it was written; what is gone is of today."""
    try:
        return date.fromisoformat(path.stem)
    except ValueError:
        pass
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    except FileNotFoundError:
        return today()


def _is_kept(picture: bytes, pictures: Path, row: FeedbackRow | CapturedRow) -> bool:
    """Whether it is there already; an id that has one picture gets no other, whoever sends it."""
    for kept in (pictures / f"{row.id}.{suffix}" for suffix in SUFFIXES.values()):
        if not kept.exists():
            continue
        if kept.name != row.picture or kept.read_bytes() != picture:
            raise DataError(f"another picture is kept for {row.id}")
        return True
    return False


def _private(path: Path) -> Path:
    """Make a file that only its owner may read and write, where there is none."""
    path.touch(mode=0o600)
    return path


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        # A writer that was killed may have left half a line, which must not swallow this one.
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        line = b"\n" + line if torn else line
        if os.write(descriptor, line) != len(line):
            raise OSError(f"{path}: only a part of a row was written")
    finally:
        os.close(descriptor)
