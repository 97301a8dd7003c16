"""What the monitor has said so far: its reports, how long they are kept, and a page that shows them over time."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from unmask.evaluation.report.axes import Axes, Scale, share
from unmask.evaluation.report.charts import Series, line_chart
from unmask.files import replacing

FOLDER, PAGE = "reports", "history.html"
STAMP = "%Y%m%dT%H%M%SZ"
DAY = 86400.0
SHOWN = 200  # newest summaries on the page
STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}"
    "svg{display:block;width:100%;max-width:520px;height:auto;overflow:visible}"
    "svg text{font:11px system-ui;fill:currentColor}.band{fill:currentColor;opacity:.15}.dot{fill:currentColor}"
    ".grid,.base,.guide{stroke:currentColor;opacity:.25}.guide{stroke-dasharray:3 4}"
    ".line{fill:none;stroke:currentColor;stroke-width:2}.student{color:#2a6fc4}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "td,th{text-align:left;padding:.25rem .75rem .25rem 0;vertical-align:top}"
)


@dataclass(frozen=True)
class Entry:
    """One summary of the past; numbers are NaN where it was undecided."""

    name: str
    time: float
    word: str
    reason: str
    pictures: int
    p_value: float
    auc: float
    low: float
    high: float
    moved: float


def page_of(state: Path, end: datetime) -> Path:
    """Where the report of a window that ends then stands; looking at a window again replaces it."""
    return state / FOLDER / f"{end.astimezone(UTC).strftime(STAMP)}.html"


def remove_old_pages(folder: Path, *, keep: int) -> int:
    """Keep the newest reports as HTML and the JSON of all; returns how many pages were removed."""
    pages = sorted(path for path in folder.glob("*Z.html"))
    old = pages[: max(0, len(pages) - keep)]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def read_history(folder: Path) -> list[Entry]:
    """All summaries in a folder, oldest first; a damaged one is left out."""
    found = (_entry(path) for path in sorted(folder.glob("*Z.json")))
    return [entry for entry in found if entry is not None]


def write_history(folder: Path) -> Path:
    """Draw the newest summaries over time; returns the page."""
    entries = read_history(folder)[-SHOWN:]
    charts = "".join(f"<figure>{chart}</figure>" for chart in _charts(entries))
    rows = "".join(_table_row(entry, folder) for entry in reversed(entries))
    page = folder / PAGE
    with replacing(page) as temporary:
        temporary.write_text(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
            f"<style>{STYLE}</style><title>Drift over time</title><h1>Drift over time</h1>{charts}"
            "<table><tr><th>Window's end<th>Decision<th>Pictures<th>p<th>Why</tr>"
            f"{rows}</table></html>\n",
            encoding="utf-8",
        )
    return page


def _entry(path: Path) -> Entry | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        auc = value["domain_auc"] or dict.fromkeys(("value", "low", "high"), math.nan)
        return Entry(
            name=path.stem,
            time=datetime.strptime(path.stem, STAMP).replace(tzinfo=UTC).timestamp(),
            word="undecided" if value["undecided"] else "drifted" if value["drifted"] else "no drift",
            reason=str(value["reason"]),
            pictures=int(value["n_window"]),
            p_value=_number(value["p_value"]),
            auc=_number(auc["value"]),
            low=_number(auc["low"]),
            high=_number(auc["high"]),
            moved=max((_number(each["share"]) for each in value["columns"]), default=math.nan),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _charts(entries: Sequence[Entry]) -> list[str]:
    if not entries:
        return []
    last = entries[-1].time
    days = [(entry.time - last) / DAY for entry in entries]
    x = Scale(min([*days, -1.0]), 0.0)
    label = "days before the last window"
    moved = [entry.moved for entry in entries]
    lowest = Scale(-4.0, 0.0, lambda value: f"{10**value:g}")
    return [
        line_chart(
            Axes("Domain classifier on embeddings", label, "AUC", x, Scale(0.4, 1.0), level=0.5),
            [_series("AUC", days, [e.auc for e in entries], [e.low for e in entries], [e.high for e in entries])],
        ),
        line_chart(Axes("Most that moved", label, "pictures", x, Scale(0, 1, share)), [_series("share", days, moved)]),
        line_chart(
            Axes("All together", label, "p-value", x, lowest),
            [_series("p", days, [math.log10(max(e.p_value, 1e-4)) for e in entries])],
        ),
    ]


def _series(
    name: str, x: list[float], y: list[float], low: list[float] | None = None, high: list[float] | None = None
) -> Series:
    return Series(name, "student", x, y, low, high, dots=True)


def _table_row(entry: Entry, folder: Path) -> str:
    when = datetime.fromtimestamp(entry.time, UTC).strftime("%Y-%m-%d %H:%M")
    kept = (folder / f"{entry.name}.html").is_file()
    link = f"<a href='{entry.name}.html'>{when}</a>" if kept else when
    p_value = "" if math.isnan(entry.p_value) else f"{entry.p_value:.3f}"
    cells = (link, entry.word, f"{entry.pictures:,}", p_value, escape(entry.reason))
    return f"<tr>{''.join(f'<td>{cell}' for cell in cells)}</tr>"
