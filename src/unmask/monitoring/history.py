"""What the monitor has said so far: its reports, how long they are kept, and a page that shows them over time."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from markupsafe import Markup

from unmask.evaluation.report.axes import Axes, Scale, share
from unmask.evaluation.report.charts import Series, line_chart
from unmask.files import replacing

FOLDER, PAGE = "reports", "history.html"
STAMP = "%Y%m%dT%H%M%SZ"
DAY = 86400.0
LEAST_P = 1e-4
SHOWN = 200  # newest summaries on the page
STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}"
    "div{display:grid;grid-template-columns:repeat(auto-fit,minmax(18rem,1fr));gap:1rem}figure{margin:0}"
    "svg{display:block;width:100%;max-width:520px;height:auto;overflow:visible}"
    "svg text{font:11px system-ui;fill:currentColor}.band{fill:currentColor;opacity:.15}.dot{fill:currentColor}"
    ".whisker{stroke:currentColor;opacity:.5;stroke-width:3}"
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
    """Keep the newest reports as Evidently's page and JSON, and the summaries of all; returns how many went."""
    pages = sorted(path for path in folder.glob("*Z.html"))
    old = pages[: max(0, len(pages) - keep)]
    for path in old:
        path.unlink(missing_ok=True)
        path.with_suffix(".evidently.json").unlink(missing_ok=True)
    return len(old)


def read_history(folder: Path) -> list[Entry]:
    """All summaries in a folder, oldest first; a damaged one is left out."""
    found = (_entry(path) for path in sorted(folder.glob("*Z.json")))
    return [entry for entry in found if entry is not None]


def write_history(folder: Path) -> Path:
    """Draw the newest summaries over time; returns the page."""
    entries = read_history(folder)[-SHOWN:]
    charts = "".join(f"<figure><figcaption>{title}</figcaption>{chart}</figure>" for title, chart in _charts(entries))
    rows = "".join(_table_row(entry, folder) for entry in reversed(entries))
    page = folder / PAGE
    with replacing(page) as temporary:
        temporary.write_text(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
            f"<style>{STYLE}</style><title>Drift over time</title><h1>Drift over time</h1><div>{charts}</div>"
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


def _charts(entries: Sequence[Entry]) -> list[tuple[str, Markup]]:
    """Titles and charts; nothing before the first decision."""
    if not entries:
        return []
    last = entries[-1].time
    days = [(entry.time - last) / DAY for entry in entries]
    x, label = Scale(min([*days, -1.0]), 0.0), "days before the last window"
    auc, moved = [entry.auc for entry in entries], [entry.moved for entry in entries]
    ends = [entry.low for entry in entries], [entry.high for entry in entries]
    p_values = [math.log10(max(entry.p_value, LEAST_P)) for entry in entries]
    scale = Scale(math.log10(LEAST_P), 0.0, lambda value: f"{10**value:g}")
    charts = (
        (Axes("Telling window from reference by embeddings", label, "AUC", x, Scale(0.4, 1.0), level=0.5), auc, ends),
        (Axes("What moved most, beyond chance", label, "pictures", x, Scale(0.0, 1.0, share)), moved, (None, None)),
        (Axes("All together", label, "p-value", x, scale), p_values, (None, None)),
    )
    return [
        (axes.title, line_chart(axes, [Series(axes.y_label, "student", days, y, low, high, dots=True)]))
        for axes, y, (low, high) in charts
    ]


def _table_row(entry: Entry, folder: Path) -> str:
    when = datetime.fromtimestamp(entry.time, UTC).strftime("%Y-%m-%d %H:%M")
    kept = (folder / f"{entry.name}.html").is_file()
    link = f"<a href='{entry.name}.html'>{when}</a>" if kept else when
    p_value = "" if math.isnan(entry.p_value) else f"{entry.p_value:.3f}"
    cells = (link, entry.word, f"{entry.pictures:,}", p_value, escape(entry.reason))
    return f"<tr>{''.join(f'<td>{cell}' for cell in cells)}</tr>"
