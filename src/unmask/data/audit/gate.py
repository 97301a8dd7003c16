"""Run the gate: audit, suite, page; a failed hard expectation is an error, after the page is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from unmask.config import Assemble, Validate
from unmask.console import plain_number
from unmask.data.audit.facts import Inputs, gather_facts
from unmask.data.audit.features import feature_tables
from unmask.data.audit.growth import Cells, changes, count_cells, read_version, write_version
from unmask.data.audit.integrity import Troubles, masks_of_other_size, missing_members, unreadable_crops
from unmask.data.audit.page import PageData, render_page
from unmask.data.audit.pictures import Gallery
from unmask.data.audit.shortcut import POOLED, TOO_FEW, ShortcutRow, shortcut_audit
from unmask.data.audit.suite import Outcome, run_suite
from unmask.data.forging.masks import DIFFERENCE, MASKS_SCHEMA
from unmask.data.manifest import read_manifest
from unmask.data.parallel import Workers
from unmask.data.tables import read_table, read_typed
from unmask.errors import ConfigError, GateError
from unmask.files import replacing, write_json
from unmask.labels.graph import LabelGraph


@dataclass(frozen=True)
class GateSettings:
    """Sections of the configuration that the gate depends on."""

    validate: Validate
    assemble: Assemble
    seed: int
    workers: Workers


def run_gate(
    dataset: Path, expanded: Path, out: Path, *, baseline: Path, settings: GateSettings, graph: LabelGraph
) -> str:
    """Write OUT: version.json, shortcut.json, validation.json, index.html and, last, passed.json; returns the summary.

    BASELINE holds the counts of the last accepted version. passed.json says nothing but that no hard expectation
    failed: what may run only after the gate depends on it, and not on every number that the gate observed.

    Raises:
        GateError: a hard expectation failed; the message names them and the page.
        DataError: an input is missing or damaged.
    """
    rows = read_manifest(dataset / "manifest.parquet")
    generated = read_manifest(expanded / "manifest.parquet")
    quarantine = read_table(dataset / "quarantine.parquet", ["path", "source", "reason", "used"])
    accepted = read_version(baseline)
    write_version(out / "version.json", count_cells(rows))
    masks = read_typed(expanded / "masks.parquet", MASKS_SCHEMA, remedy="run `dvc repro expand`")
    troubles = _troubles([(rows, dataset), (generated, expanded)], settings.validate.decode_sample)
    troubles["masks_of_other_size"] |= masks_of_other_size(_with_difference(rows, masks), expanded)
    shortcuts = _shortcuts(rows, dataset, troubles, settings)
    facts = gather_facts(
        Inputs(
            rows=rows,
            generated=generated,
            labels=read_table(expanded / "labels.parquet", ["image_id", "target", "target_mask"]),
            quarantine=quarantine,
            troubles=troubles,
            accepted=accepted,
            shortcut_auc=_pooled(shortcuts),
            shortcut_missing=TOO_FEW if shortcuts else "crops are missing or damaged",
            graph=graph,
            unseen_generators=frozenset(settings.assemble.unseen_generators),
            near_duplicate_bits=settings.assemble.near_duplicate_bits,
        ),
        settings.validate,
    )
    outcomes = run_suite(rows, facts, settings.validate)
    write_json(out / "shortcut.json", {"rows": [row.as_dict() for row in shortcuts]})
    write_json(out / "validation.json", _report(outcomes))
    gallery = Gallery(dataset, expanded, rows, generated, masks)
    data = PageData(
        outcomes=outcomes,
        rows=rows,
        quarantine=quarantine,
        shortcuts=shortcuts,
        max_shortcut_auc=settings.validate.max_shortcut_auc,
        shown={each.name: gallery.shown(each.culprits) for each in outcomes if not each.passed},
        sheets=gallery.forger_sheets(),
        version=_version(accepted, baseline),
        changes=changes(accepted, count_cells(rows)),
    )
    with replacing(out / "index.html") as temporary:
        temporary.write_text(render_page(data), encoding="utf-8")
    summary = _verdict(outcomes, shortcuts, out / "index.html", crops=len(rows), quarantined=len(quarantine))
    write_json(out / "passed.json", {"passed": True})
    return summary


def _troubles(manifests: Sequence[tuple[pd.DataFrame, Path]], per_source: int) -> dict[str, dict[str, str]]:
    troubles: dict[str, dict[str, str]] = {"missing_crops": {}, "unreadable_crops": {}, "masks_of_other_size": {}}
    for rows, root in manifests:
        missing = missing_members(rows, root)
        present = rows[~rows["image_id"].isin(missing)]
        troubles["missing_crops"] |= missing
        troubles["unreadable_crops"] |= unreadable_crops(present, root, per_source=per_source)
        troubles["masks_of_other_size"] |= masks_of_other_size(present, root)
    return troubles


def _with_difference(rows: pd.DataFrame, masks: pd.DataFrame) -> pd.DataFrame:
    compared = masks[masks["kind"] == DIFFERENCE].set_index("image_id")["mask_key"]
    found = rows[rows["image_id"].isin(compared.index)]
    return found.assign(mask_key=found["image_id"].map(compared))


def _shortcuts(
    rows: pd.DataFrame, dataset: Path, troubles: Mapping[str, Troubles], settings: GateSettings
) -> list[ShortcutRow]:
    broken = troubles["missing_crops"].keys() | troubles["unreadable_crops"].keys()
    seen = audited(rows[rows["labelled"]], settings.validate.audit_rows)
    if seen["image_id"].isin(broken).any():
        return []
    plain, chroma = feature_tables(seen, dataset, workers=settings.workers)
    reference = settings.validate.reference_source
    if reference and reference not in set(rows["source"]):
        held = ", ".join(sorted(rows["source"].unique()))
        raise ConfigError(f"validate.reference_source: there is no source {reference!r}; the data hold {held}")
    return shortcut_audit(seen, plain, chroma, reference_source=reference, seed=settings.seed)


def audited(seen: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most MOST rows of each source, label and generator: the same groups of each, so that pairs stay together."""
    first = seen.sort_values(["group", "image_id"]).groupby(["source", "label", "generator"]).head(most)
    return seen[seen["image_id"].isin(first["image_id"])]


def _pooled(shortcuts: Sequence[ShortcutRow]) -> float | None:
    return next((row.auc for row in shortcuts if row.source == POOLED), None)


def _version(accepted: Cells, baseline: Path) -> str:
    if not accepted:
        return f"First version: {baseline} names no accepted one to hold this against (`unmask accept` writes it)."
    rows = sum(accepted.values())
    return f"Held against the accepted version of {rows:,} rows ({baseline}); `unmask accept` makes this one the next."


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
    missed = [_told(outcome) for outcome in failed if not outcome.unmeasured]
    unmeasured = [_told(outcome) for outcome in failed if outcome.unmeasured]
    told = [
        f"{len(outcomes)} expectations on {crops:,} crops ({quarantined} quarantined)",
        f"{len(missed)} soft missed ({'; '.join(missed)})" if missed else "no soft one missed",
        *([f"{len(unmeasured)} not measured ({'; '.join(unmeasured)})"] if unmeasured else []),
        *(_told_shortcut(row) for row in shortcuts if row.source == POOLED and row.auc is not None),
    ]
    return f"{', '.join(told)}; {page}"


def _told_shortcut(pooled: ShortcutRow) -> str:
    chroma = "" if pooled.auc_with_chroma is None else f" ({pooled.auc_with_chroma:.3f} with chroma residual)"
    return f"shortcut AUC {pooled.auc:.3f} pooled{chroma}"


def _told(outcome: Outcome) -> str:
    if outcome.unmeasured:
        return f"{outcome.title}: {outcome.unmeasured}"
    found = f"{outcome.failing:,} rows" if outcome.observed is None else plain_number(outcome.observed)
    limits = zip(("at least", "at most"), outcome.bounds, strict=True)
    allowed = [f", {word} {plain_number(bound)} by {outcome.key}" for word, bound in limits if bound is not None]
    first = f": {outcome.named[0]}" + " and others" * (len(outcome.named) > 1) if outcome.named else ""
    return f"{outcome.title} ({found}{''.join(allowed) if outcome.key else ''}){first}"
