"""The inbox read for the next training: typed rows, and a quarantine of what is damaged."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from unmask.serving.inbox.rows import (
    CAPTURED,
    FEEDBACK,
    FEEDBACK_PICTURES,
    INBOX,
    PREDICTION_ID,
    SUFFIXES,
    CapturedRow,
    FeedbackRow,
)
from unmask.strict import read_dataclass

Row = TypeVar("Row", FeedbackRow, CapturedRow)
_NAME = re.compile(rf"({PREDICTION_ID})\.({'|'.join(SUFFIXES.values())})")


@dataclass(frozen=True)
class Entry(Generic[Row]):
    """A row, and the picture that was kept with it, whose bytes are those it came with."""

    row: Row
    picture: Path | None


@dataclass(frozen=True)
class Quarantined:
    """A line that is not to be used: its file, its number from 1, and why."""

    file: Path
    line: int
    reason: str


@dataclass(frozen=True)
class InboxContents:
    """All that is in an inbox, in order of time; the latest feedback for an id is the one that counts."""

    feedback: list[Entry[FeedbackRow]]
    captured: list[Entry[CapturedRow]]
    quarantine: list[Quarantined]


def read_inbox(state: Path) -> InboxContents:
    """Read STATE/inbox; a damaged line, or one whose picture is gone or changed, goes into quarantine."""
    inbox, quarantine = state / INBOX, list[Quarantined]()
    return InboxContents(
        feedback=list(_entries(FeedbackRow, inbox / FEEDBACK, inbox / FEEDBACK_PICTURES, quarantine)),
        captured=list(_entries(CapturedRow, inbox / CAPTURED, inbox / CAPTURED, quarantine)),
        quarantine=quarantine,
    )


def _entries(kind: type[Row], rows: Path, pictures: Path, quarantine: list[Quarantined]) -> Iterator[Entry[Row]]:
    for file in sorted(rows.glob("*.jsonl")):
        with file.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.strip():
                    continue
                try:
                    yield _entry(kind, line, pictures)
                except ValueError as error:
                    quarantine.append(Quarantined(file, number, str(error)))


def _entry(kind: type[Row], line: bytes, pictures: Path) -> Entry[Row]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    row = read_dataclass(kind, value)
    if not re.fullmatch(PREDICTION_ID, row.id):
        raise ValueError("id: not a prediction's")
    if not row.picture:
        return Entry(row, None)
    named = _NAME.fullmatch(row.picture)
    if not named or named[1] != row.id:
        raise ValueError("picture: not a name made from the id")
    path = pictures / row.picture
    if not path.is_file():
        raise ValueError(f"{row.picture}: missing")
    with path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != row.sha256:
            raise ValueError(f"{row.picture}: changed since it was kept")
    return Entry(row, path)
