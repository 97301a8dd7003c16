"""The review queue: captured pictures without a label, the most useful first, and the labels that people give them."""

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from unmask.errors import DataError
from unmask.registry.table import print_table
from unmask.serving.inbox.folder import InboxFolder
from unmask.serving.inbox.reading import Entry, read_inbox
from unmask.serving.inbox.rows import CapturedRow, FeedbackRow, Label


def queue(state: Path) -> list[Entry[CapturedRow]]:
    """Captured pictures that nobody labelled, each once, the least certain first: a label tells the most there."""
    contents = read_inbox(state)
    labelled = {entry.row.id for entry in contents.feedback} | {entry.row.sha256 for entry in contents.feedback}
    waiting = {
        entry.row.sha256: entry
        for entry in contents.captured
        if entry.picture is not None and not {entry.row.id, entry.row.sha256} & labelled
    }
    return sorted(waiting.values(), key=lambda entry: (abs(entry.row.probability - 0.5), entry.row.id))


def show_queue(state: Path, *, limit: int, console: Console | None = None) -> str:
    """Print the first LIMIT of the queue; returns the summary."""
    waiting = queue(state)
    rows = [
        (entry.row.id, f"{entry.row.probability:.3f}", _likely(entry.row), entry.row.time[:16], str(entry.picture))
        for entry in waiting[:limit]
    ]
    print_table(("id", "p(fake)", "likely altered", "captured, UTC", "picture"), rows, console, no_wrap=True)
    return f"{len(waiting)} captured pictures wait for a label"


def give_label(state: Path, prediction: str, label: Label, *, note: str, daily_megabytes: float) -> str:
    """Store a label for a captured picture as feedback on its prediction; returns the summary.

    Raises:
        DataError: no captured picture has that id.
        InboxFullError: the inbox took what it may take today.
    """
    for entry in read_inbox(state).captured:
        if entry.row.id == prediction and entry.picture is not None:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            row = FeedbackRow(now, prediction, label, note, entry.row.picture, entry.row.sha256)
            InboxFolder(state, daily_megabytes=daily_megabytes).add_feedback(row, entry.picture.read_bytes())
            return f"{prediction} is {label}; {len(queue(state))} more wait"
    raise DataError(f"{prediction}: no captured picture has this id; `unmask review` lists them")


def _likely(row: CapturedRow) -> str:
    name, probability = max(row.attributes.items(), key=lambda item: item[1], default=("", 0.0))
    return f"{name} {probability:.2f}" if name else ""
