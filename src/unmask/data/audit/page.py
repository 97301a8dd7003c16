"""The gate's page: one self-contained HTML file, light or dark, readable on a phone."""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd
from PIL import Image

from unmask.console import plain_number
from unmask.data.audit.association import size_texts
from unmask.data.audit.distributions import small_multiples
from unmask.data.audit.growth import Change
from unmask.data.audit.pictures import Shown
from unmask.data.audit.shortcut import ShortcutRow
from unmask.data.audit.style import ABOUT_CHARTS, ABOUT_SHEETS, ABOUT_SHORTCUTS, HEAD, STYLE
from unmask.data.audit.suite import Outcome
from unmask.data.manifest import SPLITS

MOST_REASONS = 40
MOST_SIZES = 3


@dataclass(frozen=True)
class PageData:
    """What the page shows: `shown` are rows to look at by expectation, `sheets` pictures by forger.

    `version` says what the data is held against, `changes` what changed since then.
    """

    outcomes: Sequence[Outcome]
    rows: pd.DataFrame
    quarantine: pd.DataFrame
    shortcuts: Sequence[ShortcutRow]
    max_shortcut_auc: float
    shown: Mapping[str, Sequence[Shown]]
    sheets: Mapping[str, Image.Image]
    version: str
    changes: Sequence[Change]


def render_page(data: PageData) -> str:
    """The page as HTML; it needs no other file and no network."""
    failed = sorted((each for each in data.outcomes if not each.passed), key=lambda each: not each.hard)
    body = [
        "<h1>Data gate</h1>",
        _verdict(failed, len(data.rows)),
        f"<p class=soft>{escape(data.version)}</p>",
        *_failures(failed, data.shown),
        "<h2>What was checked</h2>",
        _expectations(data.outcomes),
        *_changes(data.changes),
        "<h2>Splits</h2>",
        _splits(data.rows),
        "<h2>Shortcut audit</h2>",
        ABOUT_SHORTCUTS,
        _shortcuts(data.shortcuts, data.max_shortcut_auc),
        "<h2>What the pictures were before</h2>",
        _histories(data.rows),
        ABOUT_CHARTS,
        *small_multiples(data.rows),
        "<h2>Quarantine</h2>",
        _quarantine(data.quarantine),
        *_sheets(data.sheets),
    ]
    return f"{HEAD}<style>{STYLE}</style><body>{''.join(body)}</body></html>\n"


def _verdict(failed: Sequence[Outcome], rows: int) -> str:
    hard = [outcome for outcome in failed if outcome.hard]
    unmeasured = sum(bool(outcome.unmeasured) for outcome in failed if not outcome.hard)
    soft = len(failed) - len(hard) - unmeasured
    warned = f", {soft} soft expectation{'s' * (soft != 1)} missed" if soft else ""
    warned += f", {unmeasured} not measured" if unmeasured else ""
    if hard:
        names = ", ".join(escape(outcome.title) for outcome in hard)
        count = f"{len(hard)} hard expectation{'s' * (len(hard) != 1)} failed"
        return f"<p class=bad><strong>Stopped.</strong> {count}: {names}{warned}.</p>"
    return f"<p class=good><strong>Passed</strong> on {rows:,} crops{warned}.</p>"


def _failures(failed: Sequence[Outcome], shown: Mapping[str, Sequence[Shown]]) -> Iterable[str]:
    if failed:
        yield "<h2>What failed, and where to look</h2>"
    for outcome in failed:
        kind, bounds = ("bad", "stops") if outcome.hard else ("warn", "soft"), _bounds(outcome)
        allowed = f", allowed {bounds}" if bounds else ""
        yield f"<h3><span class={kind[0]}>{kind[1]}</span> {escape(outcome.title)}</h3>"
        yield f"<p>{'' if outcome.unmeasured else 'observed '}{_observed(outcome)}{allowed}</p>"
        if outcome.named and not outcome.unmeasured:
            yield f"<ul>{''.join(f'<li>{escape(sentence)}</li>' for sentence in outcome.named)}</ul>"
        pictures = shown.get(outcome.name, ())
        if pictures:
            yield f"<div class=rows>{''.join(map(_figure, pictures))}</div>"
        if outcome.failing > len(pictures):
            yield f"<details open><summary>by image_id</summary><p>{_ids(outcome)}</p></details>"


def _figure(shown: Shown) -> str:
    picture = "<div class=none>unreadable</div>" if shown.picture is None else _img(shown.picture, shown.about, 70)
    return f"<figure>{picture}<figcaption>{escape(shown.about)}<br><code>{shown.image_id}</code></figcaption></figure>"


def _ids(outcome: Outcome) -> str:
    ids = " ".join(f"<code>{escape(image_id)}</code>" for image_id in outcome.culprits)
    hidden = outcome.failing - len(outcome.culprits)
    return f"{ids} and {hidden:,} more" if hidden > 0 else ids


def _expectations(outcomes: Sequence[Outcome]) -> str:
    lines = []
    for outcome in outcomes:
        if outcome.passed:
            mark = "<span class=good>held</span>"
        elif outcome.unmeasured:
            mark = f"<span class={'bad' if outcome.hard else 'warn'}>not measured</span>"
        else:
            mark = "<span class=bad>failed</span>" if outcome.hard else "<span class=warn>missed</span>"
        kind = "hard" if outcome.hard else "soft"
        lines.append((mark, escape(outcome.title), kind, _observed(outcome), _bounds(outcome)))
    return _table(("", "expectation", "kind", "observed", "allowed"), lines, numeric={3, 4})


def _observed(outcome: Outcome) -> str:
    if outcome.unmeasured:
        return f"not measured: {escape(outcome.unmeasured)}"
    return f"{outcome.failing:,} rows" if outcome.observed is None else plain_number(outcome.observed)


def _bounds(outcome: Outcome) -> str:
    signs = zip(("&ge;", "&le;"), outcome.bounds, strict=True)
    allowed = " and ".join(f"{sign} {plain_number(bound)}" for sign, bound in signs if bound is not None)
    return f"{allowed} (<code>{escape(outcome.key)}</code>)" if outcome.key else allowed


def _changes(changes: Sequence[Change]) -> Iterable[str]:
    if changes:
        yield "<h2>Since the accepted version</h2>"
        lines = [
            (escape(each.source), escape(each.label), f"{each.before:,}", f"{each.now:,}", f"{each.relative:+.1%}")
            for each in changes
        ]
        yield _table(("source", "label", "rows then", "now", "change"), lines, numeric={2, 3, 4})


def _splits(rows: pd.DataFrame) -> str:
    splits = [name for name in SPLITS if (rows["split"] == name).any()]
    hidden = (rows["label"] != "unlabelled") & ~rows["labelled"]
    lines = []
    for names, chosen in rows.assign(hidden=hidden).groupby(["source", "label", "generator"]):
        counts = [f"{int((chosen['split'] == split).sum()):,}" for split in splits]
        lines.append((*(escape(str(name)) for name in names), *counts, f"{int(chosen['hidden'].sum()):,}"))
    header = ("source", "label", "generator", *splits, "of these with hidden label")
    return _table(header, lines, numeric=set(range(3, len(header))))


def _shortcuts(shortcuts: Sequence[ShortcutRow], bound: float) -> str:
    if not shortcuts:
        return "<p>Not run: crops are missing or damaged.</p>"
    lines = []
    for row in shortcuts:
        bar = "" if row.auc is None else _bar(row.auc, bound)
        name = escape(row.generator if row.source == row.generator else f"{row.source} / {row.generator}")
        numbers = (f"{row.n_real:,}", f"{row.n_fake:,}", _auc(row.auc))
        lines.append((name, escape(row.reference), *numbers, bar, _auc(row.auc_with_chroma)))
    header = ("fakes", "against reals of", "reals", "fakes", "AUC", "0.5 to 1", "with chroma residual")
    return _table(header, lines, numeric={2, 3, 4, 6})


def _auc(value: float | None) -> str:
    return "too few rows" if value is None else f"{value:.3f}"


def _bar(auc: float, bound: float) -> str:
    width, mark = (100 * max(0.0, value - 0.5) / 0.5 for value in (auc, bound))
    return f"<div class=track><i style='width:{width:.0f}%'></i><b style='left:{mark:.0f}%'></b></div>"


def _histories(rows: pd.DataFrame) -> str:
    lines = []
    for (source, label), chosen in rows.groupby(["source", "label"], sort=True):
        names = (escape(str(source)), escape(str(label)), f"{len(chosen):,}")
        lines.append((*names, _shares(chosen["format"]), _shares(size_texts(chosen))))
    return _table(("source", "label", "rows", "formats", "sizes"), lines, numeric={2})


def _shares(values: pd.Series) -> str:
    shares = values.value_counts(normalize=True)
    told = [f"{escape(str(value))} {share:.0%}" for value, share in shares.iloc[:MOST_SIZES].items()]
    more = f", {len(shares) - MOST_SIZES:,} others" if len(shares) > MOST_SIZES else ""
    return ", ".join(told) + more


def _quarantine(quarantine: pd.DataFrame) -> str:
    if not len(quarantine):
        return "<p>Nothing is in quarantine.</p>"
    reasons = sorted(quarantine.groupby(["source", "reason"]), key=lambda item: -len(item[1]))
    lines = [
        (escape(str(source)), escape(str(reason)), f"{len(chosen):,}", escape(str(chosen["path"].iloc[0])))
        for (source, reason), chosen in reasons[:MOST_REASONS]
    ]
    return _table(("source", "reason", "pictures", "for instance"), lines, numeric={2})


def _sheets(sheets: Mapping[str, Image.Image]) -> Iterable[str]:
    if sheets:
        yield ABOUT_SHEETS
    for name, sheet in sheets.items():
        yield f"<h3>{escape(name)}</h3>{_img(sheet, f'Contact sheet of {name}', 72)}"


def _img(picture: Image.Image, about: str, quality: int) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f"<img alt='{escape(about)}' src='data:image/jpeg;base64,{data}'>"


def _table(header: Sequence[str], lines: Iterable[Sequence[str]], *, numeric: set[int]) -> str:
    kind = [" class=n" if column in numeric else "" for column in range(len(header))]
    top = "".join(f"<th{kind[column]}>{text}</th>" for column, text in enumerate(header))
    rows = "".join(
        "<tr>" + "".join(f"<td{kind[column]}>{text}</td>" for column, text in enumerate(line)) + "</tr>"
        for line in lines
    )
    return f"<div class=wide><table><tr>{top}</tr>{rows}</table></div>"
