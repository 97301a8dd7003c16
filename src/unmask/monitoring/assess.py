"""From two sides to a decision with its report, for traffic and for batches of the data alike."""

from html import escape
from pathlib import Path

from unmask.config import Drift
from unmask.files import replacing, write_json
from unmask.monitoring.compare import Sides, compare
from unmask.monitoring.rows import Rows
from unmask.monitoring.summary import Subject, Summary, decided, undecided

UNDECIDED = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<style>:root{{color-scheme:light dark}}body{{font:16px system-ui,sans-serif;max-width:40rem;margin:2rem auto;"
    "padding:0 1rem}}</style><title>Drift</title><h1>Drift</h1><p>Undecided: {reason}.</p></html>\n"
)


def assess(
    reference: Rows | None,
    window: Rows | None,
    subject: Subject,
    settings: Drift,
    *,
    page: Path,
    seed: int,
    why: str = "",
) -> Summary:
    """Compare two sides and write PAGE, and the summary as JSON beside it; without a side, WHY it is undecided."""
    if reference is None or window is None:
        sides: Sides | str = why
    else:
        sides = Sides.of(reference, window, settings, seed=seed)
    if isinstance(sides, str):
        n_window, n_reference = (len(rows) if rows else 0 for rows in (window, reference))
        summary = undecided(sides, subject, settings, n_window=n_window, n_reference=n_reference)
        with replacing(page) as temporary:
            temporary.write_text(UNDECIDED.format(reason=escape(sides)), encoding="utf-8")
    else:
        from unmask.monitoring.report import write_report  # Evidently takes seconds to import

        summary = decided(compare(sides, settings, seed=seed), sides, subject, settings)
        write_report(summary, sides, page)
    write_json(page.with_suffix(".json"), summary.to_dict())
    return summary
