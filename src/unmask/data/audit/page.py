"""The gate's page: one self-contained HTML file, light or dark, readable on a phone."""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd
from PIL import Image

from unmask.console import plain_number
from unmask.data.audit.shortcut import ShortcutRow
from unmask.data.audit.suite import Outcome
from unmask.data.manifest import SPLITS

MOST_REASONS = 40
STYLE = """
:root{color-scheme:light dark;--ink:#1c1e21;--paper:#fbfbfa;--soft:#6b7076;--line:#d9dbde;--good:#1b7f4b;--bad:#b3261e;
--warn:#8a5a00;--bar:#3b6ea5}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8e6;--paper:#17191c;--soft:#9aa0a6;--line:#33373c;--good:#5bc98c;
--bad:#ff8a80;--warn:#e5b567;--bar:#7aa7d6}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:0 auto;
padding:1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem}
td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.soft{color:var(--soft)}
code{font-size:.85em;overflow-wrap:anywhere}img{max-width:100%;height:auto}
.track{position:relative;background:var(--line);height:.8rem;min-width:8rem;border-radius:.4rem}
.track i{display:block;height:100%;background:var(--bar);border-radius:.4rem}
.track b{position:absolute;top:-.2rem;width:2px;height:1.2rem;background:var(--bad)}
"""
HEAD = (
    "<!doctype html><html lang=en><meta charset=utf-8>"
    "<meta name=viewport content='width=device-width,initial-scale=1'><title>Data gate</title>"
)
ABOUT_SHORTCUTS = (
    "<p class=soft>AUC that colour, sharpness, file size, format, JPEG quality and the radial spectrum reach alone, "
    "without any detector: out-of-fold logistic regression, folds by group. 0.5 is chance; the red mark is the allowed "
    "pooled value. A detector has to beat these.</p>"
)
ABOUT_SHEETS = (
    "<h2>Forgers</h2><p class=soft>The real picture where it is known, the fake made from it, "
    "and the mask of what changed.</p>"
)


@dataclass(frozen=True)
class PageData:
    """What the page shows; sheets are pictures by forger."""

    outcomes: Sequence[Outcome]
    rows: pd.DataFrame
    quarantine: pd.DataFrame
    shortcuts: Sequence[ShortcutRow]
    max_shortcut_auc: float
    sheets: Mapping[str, Image.Image]


def render_page(data: PageData) -> str:
    """The page as HTML; it needs no other file and no network."""
    hard = [outcome for outcome in data.outcomes if outcome.hard and not outcome.passed]
    soft = [outcome for outcome in data.outcomes if not outcome.hard and not outcome.passed]
    body = [
        "<h1>Data gate</h1>",
        _verdict(hard, soft, len(data.rows)),
        "<h2>Expectations</h2>",
        _expectations(data.outcomes),
        *_culprits([*hard, *soft]),
        "<h2>Splits</h2>",
        _splits(data.rows),
        "<h2>Shortcut audit</h2>",
        ABOUT_SHORTCUTS,
        _shortcuts(data.shortcuts, data.max_shortcut_auc),
        "<h2>Quarantine</h2>",
        _quarantine(data.quarantine),
        *_sheets(data.sheets),
    ]
    return f"{HEAD}<style>{STYLE}</style><body>{''.join(body)}</body></html>\n"


def _verdict(hard: list[Outcome], soft: list[Outcome], rows: int) -> str:
    warned = f", {len(soft)} soft expectation{'s' * (len(soft) != 1)} missed" if soft else ""
    if hard:
        names = ", ".join(escape(outcome.title) for outcome in hard)
        count = f"{len(hard)} hard expectation{'s' * (len(hard) != 1)} failed"
        return f"<p class=bad><strong>Stopped.</strong> {count}: {names}.</p>"
    return f"<p class=good><strong>Passed</strong> on {rows:,} crops{warned}.</p>"


def _expectations(outcomes: Sequence[Outcome]) -> str:
    lines = []
    for outcome in outcomes:
        if outcome.passed:
            mark = "<span class=good>held</span>"
        else:
            mark = "<span class=bad>failed</span>" if outcome.hard else "<span class=warn>missed</span>"
        observed = plain_number(outcome.observed) if outcome.observed is not None else f"{outcome.failing} rows"
        lines.append((mark, escape(outcome.title), "hard" if outcome.hard else "soft", observed, _bounds(outcome)))
    return _table(("", "expectation", "kind", "observed", "allowed"), lines, numeric={3, 4})


def _bounds(outcome: Outcome) -> str:
    signs = zip(("&ge;", "&le;"), outcome.bounds, strict=True)
    allowed = " and ".join(f"{sign} {plain_number(bound)}" for sign, bound in signs if bound is not None)
    return f"{allowed} (<code>{escape(outcome.key)}</code>)" if outcome.key else allowed


def _culprits(failed: list[Outcome]) -> Iterable[str]:
    blamed = [outcome for outcome in failed if outcome.culprits]
    if blamed:
        yield "<h2>Rows to look at</h2>"
    for outcome in blamed:
        ids = " ".join(f"<code>{escape(image_id)}</code>" for image_id in outcome.culprits)
        more = (
            f" and {outcome.failing - len(outcome.culprits):,} more" if outcome.failing > len(outcome.culprits) else ""
        )
        title = f"<summary>{escape(outcome.title)}: {outcome.failing:,}</summary>"
        yield f"<details open>{title}<p>{ids}{more}</p></details>"


def _splits(rows: pd.DataFrame) -> str:
    splits = [name for name in SPLITS if (rows["split"] == name).any()]
    hidden = (rows["label"] != "unlabelled") & ~rows["labelled"]
    lines = []
    for (source, label, generator), chosen in rows.assign(hidden=hidden).groupby(["source", "label", "generator"]):
        counts = [f"{int((chosen['split'] == split).sum()):,}" for split in splits]
        lines.append(
            (
                escape(str(source)),
                escape(str(label)),
                escape(str(generator)),
                *counts,
                f"{int(chosen['hidden'].sum()):,}",
            )
        )
    header = ("source", "label", "generator", *splits, "of these with hidden label")
    return _table(header, lines, numeric=set(range(3, len(header))))


def _shortcuts(shortcuts: Sequence[ShortcutRow], bound: float) -> str:
    lines = []
    for row in shortcuts:
        number = "too few rows" if row.auc is None else f"{row.auc:.3f}"
        bar = "" if row.auc is None else _bar(row.auc, bound)
        name = escape(row.generator if row.source == row.generator else f"{row.source} / {row.generator}")
        lines.append((name, escape(row.reference), f"{row.n_real:,}", f"{row.n_fake:,}", number, bar))
    return _table(("fakes", "against reals of", "reals", "fakes", "AUC", "0.5 to 1"), lines, numeric={2, 3, 4})


def _bar(auc: float, bound: float) -> str:
    width, mark = (100 * max(0.0, value - 0.5) / 0.5 for value in (auc, bound))
    return f"<div class=track><i style='width:{width:.0f}%'></i><b style='left:{mark:.0f}%'></b></div>"


def _quarantine(quarantine: pd.DataFrame) -> str:
    if not len(quarantine):
        return "<p>Nothing is in quarantine.</p>"
    reasons = sorted(quarantine.groupby(["source", "reason"]), key=lambda item: -len(item[1]))
    lines = [
        (
            escape(str(source)),
            escape(str(reason)),
            f"{len(chosen):,}",
            escape(str(chosen["path"].iloc[0])),
        )
        for (source, reason), chosen in reasons[:MOST_REASONS]
    ]
    return _table(("source", "reason", "pictures", "for instance"), lines, numeric={2})


def _sheets(sheets: Mapping[str, Image.Image]) -> Iterable[str]:
    if sheets:
        yield ABOUT_SHEETS
    for name, sheet in sheets.items():
        buffer = io.BytesIO()
        sheet.save(buffer, "JPEG", quality=72)
        data = base64.b64encode(buffer.getvalue()).decode()
        yield f"<h3>{escape(name)}</h3><img alt='Contact sheet of {escape(name)}' src='data:image/jpeg;base64,{data}'>"


def _table(header: Sequence[str], lines: Iterable[Sequence[str]], *, numeric: set[int]) -> str:
    kind = [" class=n" if column in numeric else "" for column in range(len(header))]
    top = "".join(f"<th{kind[column]}>{text}</th>" for column, text in enumerate(header))
    rows = "".join(
        "<tr>" + "".join(f"<td{kind[column]}>{text}</td>" for column, text in enumerate(line)) + "</tr>"
        for line in lines
    )
    return f"<div class=wide><table><tr>{top}</tr>{rows}</table></div>"
