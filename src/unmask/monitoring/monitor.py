"""Served traffic against the reference of the model that served it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from unmask.config import Drift
from unmask.monitoring.assess import assess
from unmask.monitoring.history import page_of, remove_old_pages, write_history
from unmask.monitoring.reference import BUILT, find_reference
from unmask.monitoring.summary import Subject, Summary
from unmask.monitoring.window import Window, read_window

PICTURES = Path("inbox/pictures")  # of the state folder


@dataclass(frozen=True)
class Monitored:
    """A decision, its report and the page of all decisions so far; `pictures` are those of novel rows that were kept.

    Whether any is kept is the service's setting `capture`, or a person's consent with feedback.
    """

    summary: Summary
    page: Path
    history: Path
    pictures: dict[str, Path]


def monitor(
    state: Path, start: datetime, end: datetime, settings: Drift, *, seed: int, built: Path = BUILT
) -> Monitored:
    """Compare traffic from START to before END, both with a time zone, with the reference; reports go to STATE/reports.

    Raises:
        DataError: the model that answered has no reference, or a file is damaged.
        ValueError: a time has no zone.
    """
    window = read_window(state, start, end)
    reference = find_reference(window.model_version, state, built=built) if window.rows else None
    page = page_of(state, end)
    summary = assess(
        reference.rows if reference else None,
        window.rows,
        _subject(window, data_hash=reference.data_hash if reference else ""),
        settings,
        page=page,
        seed=seed,
        why="nothing was asked",
    )
    remove_old_pages(page.parent, keep=settings.keep_reports)
    return Monitored(summary, page, write_history(page.parent), kept_pictures(summary, state))


def kept_pictures(summary: Summary, state: Path) -> dict[str, Path]:
    """Pictures of the most novel rows by id, most novel first, where the inbox has them."""
    folder = state / PICTURES
    at_hand = {path.stem: path for path in folder.iterdir() if path.is_file()} if folder.is_dir() else {}
    return {each.id: at_hand[each.id] for each in summary.novel if each.id in at_hand}


def _subject(window: Window, *, data_hash: str) -> Subject:
    asked = f"{len(window.rows) if window.rows else 0:,} predictions in {window.requests:,} requests"
    between = " to ".join(time.isoformat(timespec="seconds") for time in (window.start, window.end))
    left_aside = {"of another model": window.other_models, "damaged lines of the log": window.damaged}
    return Subject(
        what=f"{asked}, {between}, model {window.model_version or '-'}",
        start=window.start.isoformat(),
        end=window.end.isoformat(),
        model_version=window.model_version,
        data_hash=data_hash,
        left_aside={reason: count for reason, count in left_aside.items() if count},
    )
