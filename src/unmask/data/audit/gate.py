"""Run the gate: audit, suite, page; a failed hard expectation is an error, after the page is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from unmask.config import Assemble, Validate
from unmask.console import plain_number
from unmask.data.audit.facts import Inputs, gather_facts
from unmask.data.audit.features import feature_table
from unmask.data.audit.page import PageData, render_page
from unmask.data.audit.shortcut import POOLED, ShortcutRow, shortcut_audit
from unmask.data.audit.suite import Outcome, run_suite
from unmask.data.manifest import read_manifest
from unmask.data.parallel import Workers
from unmask.data.shards import ShardReader
from unmask.data.sheets import contact_sheet, read_mask, read_pixels
from unmask.errors import GateError
from unmask.files import read_table, replacing, write_json
from unmask.labels.graph import LabelGraph

SHEET_SETS = 9


@dataclass(frozen=True)
class GateSettings:
    """Sections of the configuration that the gate depends on."""

    validate: Validate
    assemble: Assemble
    seed: int
    workers: Workers


def run_gate(dataset: Path, expanded: Path, out: Path, *, settings: GateSettings, graph: LabelGraph) -> str:
    """Write OUT: validation.json, shortcut.json, index.html; returns the summary line.

    Raises:
        GateError: a hard expectation failed; the message names them and the page.
        DataError: an input is missing or damaged.
    """
    rows = read_manifest(dataset / "manifest.parquet")
    generated = read_manifest(expanded / "manifest.parquet")
    quarantine = read_table(dataset / "quarantine.parquet", ["path", "source", "reason"])
    seen = rows[rows["labelled"]]
    features = feature_table(seen, dataset, workers=settings.workers)
    shortcuts = shortcut_audit(seen, features, reference_source=settings.validate.reference_source, seed=settings.seed)
    facts = gather_facts(
        Inputs(
            rows=rows,
            generated=generated,
            labels=read_table(expanded / "labels.parquet", ["image_id", "target", "target_mask"]),
            quarantine=quarantine,
            shortcut_auc=next(row.auc for row in shortcuts if row.source == POOLED),
            graph=graph,
            unseen_generators=frozenset(settings.assemble.unseen_generators),
            near_duplicate_bits=settings.assemble.near_duplicate_bits,
        )
    )
    outcomes = run_suite(rows, facts, settings.validate)
    write_json(out / "shortcut.json", {"rows": [row.as_dict() for row in shortcuts]})
    write_json(out / "validation.json", _report(outcomes))
    data = PageData(
        outcomes=outcomes,
        rows=rows,
        quarantine=quarantine,
        shortcuts=shortcuts,
        max_shortcut_auc=settings.validate.max_shortcut_auc,
        sheets=forger_sheets(dataset, expanded, rows, generated),
    )
    with replacing(out / "index.html") as temporary:
        temporary.write_text(render_page(data), encoding="utf-8")
    return _verdict(outcomes, shortcuts, out / "index.html", crops=len(rows), quarantined=len(quarantine))


def forger_sheets(dataset: Path, expanded: Path, rows: pd.DataFrame, generated: pd.DataFrame) -> dict[str, Image.Image]:
    """A small contact sheet for each forger of the visible dataset rows and of the generated ones."""
    readers = {"": ShardReader(dataset), "made": ShardReader(expanded)}
    keys = dict(zip(rows["image_id"], rows["key"], strict=True))
    fakes = [(rows[(rows["label"] == "fake") & rows["labelled"]], ""), (generated, "made")]
    sheets = {}
    for frame, root in fakes:
        for generator, chosen in frame.groupby("generator", sort=True):
            sets = []
            for row in chosen.sort_values("image_id").head(SHEET_SETS).to_dict("records"):
                origin = keys.get(row["forged_from"])
                pictures = [] if origin is None else [read_pixels(readers[""], origin)]
                pictures.append(read_pixels(readers[root], row["key"]))
                if row["mask_key"]:
                    pictures.append(read_mask(readers[root], row["mask_key"]))
                sets.append(pictures)
            sheets[f"{generator} (generated)" if root else str(generator)] = contact_sheet(sets, columns=3, tile_px=80)
    return sheets


def _report(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    failed = [outcome for outcome in outcomes if not outcome.passed]
    return {
        "passed": not any(outcome.hard for outcome in failed),
        "hard": [outcome.as_dict() for outcome in failed if outcome.hard],
        "soft": [outcome.as_dict() for outcome in failed if not outcome.hard],
        "checked": [outcome.as_dict() for outcome in outcomes if outcome.passed],
    }


def _verdict(
    outcomes: Sequence[Outcome], shortcuts: Sequence[ShortcutRow], page: Path, *, crops: int, quarantined: int
) -> str:
    failed = [outcome for outcome in outcomes if not outcome.passed]
    hard = [_told(outcome) for outcome in failed if outcome.hard]
    if hard:
        count = f"{len(hard)} hard expectation{'s' * (len(hard) != 1)} failed"
        raise GateError(f"{count}: {'; '.join(hard)}; see {page}")
    missed = [_told(outcome) for outcome in failed]
    pooled = next(row.auc for row in shortcuts if row.source == POOLED)
    shortcut = "too few rows for the shortcut audit" if pooled is None else f"shortcut AUC {pooled:.3f} pooled"
    soft = f"{len(missed)} soft missed ({'; '.join(missed)})" if missed else "no soft one missed"
    return f"{len(outcomes)} expectations on {crops:,} crops ({quarantined} quarantined), {soft}, {shortcut}; {page}"


def _told(outcome: Outcome) -> str:
    found = f"{outcome.failing:,} rows" if outcome.observed is None else plain_number(outcome.observed)
    limits = zip(("at least", "at most"), outcome.bounds, strict=True)
    allowed = [f", {word} {plain_number(bound)} by {outcome.key}" for word, bound in limits if bound is not None]
    return f"{outcome.title} ({found}{''.join(allowed) if outcome.key else ''})"
