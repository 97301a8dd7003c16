"""The inbox taken in: feedback as labelled rows and reported mistakes, captured pictures as unlabelled rows.

Nothing is removed from the inbox, and what any batch holds already is left out: whatever is killed where, the next run
takes the rest and doubles nothing. The service's retention clears the inbox (serving.keep_days).
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from unmask.data.batches import list_batches, read_index, read_quarantine
from unmask.data.examine import Caps
from unmask.data.ingest import ingest
from unmask.data.intake import UNLABELLED
from unmask.data.manifest import FEEDBACK_SOURCE
from unmask.retraining.mistakes import REGRESSION, add_mistakes
from unmask.serving.inbox.reading import Entry, InboxContents, read_inbox
from unmask.serving.inbox.rows import CapturedRow, FeedbackRow
from unmask.serving.traffic import read_traffic

CAPTURED = "captured"  # the source of what nobody labelled
LIST = "inbox.csv"
NAMED = "inbox"  # how its batches are named, so that they never meet a batch of the workspace
NOTE = 200  # characters of a note that regression.csv keeps


@dataclass(frozen=True)
class Taken:
    """What one intake gave: the batch ("" where nothing was new), its rows by label, and what could not be used."""

    batch: str
    labelled: int
    unlabelled: int
    mistakes: int
    refused: tuple[str, ...]

    @property
    def summary(self) -> str:
        """One line."""
        if not self.batch:
            return f"nothing new in the inbox, {len(self.refused)} entries unusable"
        return (
            f"{self.labelled} labelled and {self.unlabelled} unlabelled pictures into batch {self.batch}, "
            f"{self.mistakes} reported mistakes, {len(self.refused)} entries unusable"
        )


def take_inbox(state: Path, root: Path, *, today: str, caps: Caps) -> Taken:
    """Take the pictures of STATE/inbox into a new batch of ROOT/data and the mistakes into ROOT/regression.csv.

    Raises:
        DataError: a batch or regression.csv is damaged, or another ingest is writing.
    """
    contents = read_inbox(state)
    refused = [f"{item.file.name} line {item.line}: {item.reason}" for item in contents.quarantine]
    rows = list(_rows(contents))
    mistakes = add_mistakes(root / REGRESSION, _mistakes(contents, state))
    fresh = [row for row in rows if not _is_known(row, _labels(root / "data"))]
    if not fresh:
        return Taken("", 0, 0, mistakes, tuple(refused))
    batch = _batch_name(root / "data", today)
    with tempfile.TemporaryDirectory(prefix="unmask-inbox-", dir=state) as folder:
        _lay_out(Path(folder), fresh)
        ingest(folder, root / "data", today=today, layout="list", batch=batch, caps=caps)
    made = next((one for one in list_batches(root / "data") if one.name == batch), None)
    if made is None:
        return Taken("", 0, 0, mistakes, tuple(refused))
    labels = read_index(made, ["label"])["label"]
    unusable = read_quarantine(made)
    refused += [f"{path}: {reason}" for path, reason in zip(unusable["path"], unusable["reason"], strict=True)]
    unlabelled = int((labels == UNLABELLED).sum())
    return Taken(batch, len(labels) - unlabelled, unlabelled, mistakes, tuple(refused))


def waiting_feedback(state: Path, data: Path) -> int:
    """How many pictures of the inbox have a label that no batch of DATA knows, whether or not one has the picture."""
    known = _labels(data)
    fresh = {entry.row.sha256 for entry in read_inbox(state).feedback if entry.picture is not None}
    return sum(known.get(sha256, UNLABELLED) == UNLABELLED for sha256 in fresh)


def _latest(entries: list[Entry[FeedbackRow]]) -> list[Entry[FeedbackRow]]:
    """The latest feedback for an id is the one that counts."""
    return list({entry.row.id: entry for entry in sorted(entries, key=lambda entry: entry.row.time)}.values())


def _rows(contents: InboxContents) -> Iterator[tuple[Path, dict[str, str]]]:
    """Pictures with their row of the list; one that was labelled is not unlabelled too."""
    labelled: set[str] = set()
    for entry in _latest(contents.feedback):
        if entry.picture is not None:
            labelled.add(entry.row.sha256)
            yield entry.picture, _row(entry.row, entry.row.label, FEEDBACK_SOURCE)
    for captured in contents.captured:
        if captured.picture is not None and captured.row.sha256 not in labelled:
            yield captured.picture, _row(captured.row, UNLABELLED, CAPTURED)


def _row(row: FeedbackRow | CapturedRow, label: str, source: str) -> dict[str, str]:
    return {
        "path": f"{source}/{row.picture}",
        "label": label,
        "source": source,
        "first_seen": row.time[:10],
        "sha256": row.sha256,
    }


def _is_known(row: tuple[Path, dict[str, str]], known: dict[str, str]) -> bool:
    """Whether a batch holds it with a label, or without one and there is none now."""
    label = known.get(row[1]["sha256"])
    return label is not None and (label != UNLABELLED or row[1]["label"] == UNLABELLED)


def _labels(data: Path) -> dict[str, str]:
    """Label by hash of every picture in DATA; a labelled copy comes before an unlabelled one."""
    known: dict[str, str] = {}
    for batch in list_batches(data):
        rows = read_index(batch, ["raw_sha256", "label"])
        for sha256, label in zip(rows["raw_sha256"], rows["label"], strict=True):
            if known.get(sha256, UNLABELLED) == UNLABELLED:
                known[sha256] = label
    return known


def _lay_out(folder: Path, rows: list[tuple[Path, dict[str, str]]]) -> None:
    """A list that `unmask ingest` reads, with its pictures beside it."""
    for picture, row in rows:
        target = folder / row["path"]
        target.parent.mkdir(exist_ok=True)
        try:
            os.link(picture, target)
        except OSError:
            shutil.copyfile(picture, target)
    table = pd.DataFrame([row for _, row in rows]).drop(columns="sha256")
    table.to_csv(folder / LIST, index=False)


def _batch_name(data: Path, today: str) -> str:
    number = 1
    while (data / f"{NAMED}-{today}-{number}").exists():
        number += 1
    return f"{NAMED}-{today}-{number}"


def _mistakes(contents: InboxContents, state: Path) -> pd.DataFrame:
    """Feedback whose verdict was wrong; where the traffic log does not know the verdict, the user's word counts."""
    now = datetime.now(UTC)
    feedback = [entry.row for entry in _latest(contents.feedback) if entry.picture is not None]
    first = min((datetime.fromisoformat(row.time) for row in feedback), default=now) - timedelta(days=1)
    wanted = {row.id for row in feedback}
    said = {row.id: row.verdict for row in read_traffic(state, first, now + timedelta(days=1)) if row.id in wanted}
    wrong = [row for row in feedback if said.get(row.id) not in {row.label, "uncertain"}]
    rows = [{"sha256": row.sha256, "label": row.label, "note": " ".join(row.note.split())[:NOTE]} for row in wrong]
    return pd.DataFrame(rows, columns=["sha256", "label", "note"])
