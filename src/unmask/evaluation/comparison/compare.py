"""A challenger held against the champion on the same test rows, and the decision."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from unmask.config import Config, Evaluate, Promote
from unmask.errors import DataError
from unmask.evaluation.comparison.paired import Difference, paired_differences
from unmask.evaluation.comparison.pairs import pair_slices, pair_tiers
from unmask.evaluation.comparison.reported import reported_checks, unshared
from unmask.evaluation.comparison.rows import SharedRows, share_rows
from unmask.evaluation.comparison.rule import (
    OVERALL,
    Check,
    Latency,
    Verdict,
    cap_checks,
    difference_checks,
    find,
    missing_tiers,
    verdict_of,
)
from unmask.evaluation.comparison.sides import Side

TIER_KEYS = ["tier", "image_id"]


@dataclass(frozen=True)
class Decision:
    """Whether the challenger is promoted, every check with its reason, what was measured, and remarks for a reader."""

    verdict: Verdict
    champion: str
    challenger: str
    trigger: str
    rows: int
    checks: tuple[Check, ...]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return dataclasses.asdict(self)


def compare(champion: Side, challenger: Side, latency: Latency, *, config: Config, trigger: str = "") -> Decision:
    """Apply the promotion rule to two candidates; LATENCY is the challenger's.

    TRIGGER names the slice on which the challenger was asked to be better, as `Difference.title` writes it; empty asks
    for all test rows.

    Raises:
        DataError: the sides share too few test rows, or no slice has the trigger's name.
    """
    settings = config.promote
    _check_settings(settings)
    shared = share_rows(champion, challenger, min_shared=settings.min_shared)
    differences = measure_differences(shared, champion, challenger, config.evaluate, seed=config.seed)
    checks = [
        *difference_checks(differences, settings, trigger=trigger),
        *missing_tiers(_unshared_tiers(champion, challenger, min_shared=settings.min_shared)),
        *cap_checks(challenger.fpr, latency, settings),
        *reported_checks(champion.regression, challenger.regression, settings),
    ]
    return Decision(
        verdict=verdict_of(checks),
        champion=champion.name,
        challenger=challenger.name,
        trigger=trigger,
        rows=len(shared.challenger),
        checks=tuple(checks),
        differences=tuple(differences),
        notes=tuple(_notes(shared, differences, (champion, challenger), settings, trigger=trigger)),
    )


def measure_differences(
    shared: SharedRows, champion: Side, challenger: Side, settings: Evaluate, *, seed: int
) -> list[Difference]:
    """The paired difference on every slice and tier."""
    return paired_differences(
        [*pair_slices(shared, champion, challenger), *pair_tiers(shared, champion, challenger)],
        groups=int(shared.challenger["group"].max()) + 1,
        resamples=settings.bootstrap,
        confidence=settings.confidence,
        seed=seed,
    )


def _check_settings(settings: Promote) -> None:
    for name in ("margin", "slice_margin", "min_shared", "max_fpr", "min_kept"):
        if not 0 <= getattr(settings, name) <= 1:
            raise DataError(f"params.yaml: promote.{name}: must lie within 0 and 1")


def _unshared_tiers(champion: Side, challenger: Side, *, min_shared: float) -> list[str]:
    """Tiers in which the challenger was not tried on enough of the champion's pictures."""
    if champion.tiers is None:
        return []
    scored = pd.DataFrame(columns=TIER_KEYS) if challenger.tiers is None else challenger.tiers
    common = champion.tiers.merge(scored[TIER_KEYS], on=TIER_KEYS)["tier"].value_counts()
    counts = champion.tiers["tier"].value_counts()
    return [str(tier) for tier, count in sorted(counts.items()) if common.get(tier, 0) < min_shared * count]


def _tier_names(side: Side) -> set[str]:
    return set() if side.tiers is None else set(map(str, side.tiers["tier"].unique()))


def _notes(
    shared: SharedRows,
    differences: list[Difference],
    sides: tuple[Side, Side],
    settings: Promote,
    *,
    trigger: str,
) -> Iterator[str]:
    champion, challenger = sides
    for side, count in ((champion, shared.champion_only), (challenger, shared.challenger_only)):
        if count:
            yield f"{count:,} test rows are only in {side.name} and count for neither."
    if shared.relabelled:
        yield f"{shared.relabelled:,} rows have another label on the other side and count for neither."
    if shared.renamed:
        yield f"{shared.renamed:,} rows changed source, generator, domain, clip or seen; slices are the challenger's."
    if apart := unshared(champion.regression, challenger.regression):
        yield f"{apart:,} reported mistakes were scored on one side only and count for neither."
    checked = {OVERALL, find(differences, trigger or OVERALL).title}
    small = [one.title for one in differences if one.rows < settings.min_rows and one.title not in checked]
    if small:
        yield f"Fewer than {settings.min_rows} rows, not checked: {', '.join(small)}."
    lacking = _tier_names(challenger) - _tier_names(champion)
    if lacking or not _tier_names(champion):
        which = f"of {', '.join(sorted(lacking))}" if lacking else "of degraded pictures"
        yield f"The champion has no scores {which}, so they were not checked."
