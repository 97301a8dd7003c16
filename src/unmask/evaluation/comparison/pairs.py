"""Slices and tiers of the shared rows as pairs of scores."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from unmask.evaluation.bootstrap import Codes, Floats
from unmask.evaluation.comparison.rows import SharedRows
from unmask.evaluation.comparison.sides import Side
from unmask.evaluation.slices import References, slices
from unmask.serving.verdict import Thresholds, verdicts

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Said:
    """What one side said of rows (N,): log-odds of fake, and whether it called them fake."""

    logit: Floats
    flagged: Bools


@dataclass(frozen=True)
class Pair:
    """Rows (N,) of a slice or tier, their group as codes of all shared rows, and what both sides said of them."""

    kind: str
    name: str
    level: str
    fake: Bools
    groups: Codes
    champion: Said
    challenger: Said


def pair_slices(shared: SharedRows, champion: Side, challenger: Side) -> Iterator[Pair]:
    """Every slice of the report, over the shared rows."""
    references: References = challenger.references
    ours = slices(shared.champion, references, temperature=champion.temperature)
    theirs = slices(shared.challenger, references, temperature=challenger.temperature)
    for first, second in zip(ours, theirs, strict=True):
        said = (_said(first.rows, champion.thresholds), _said(second.rows, challenger.thresholds))
        yield _pair(second.kind, second.name, second.level, second.rows, said)


def pair_tiers(shared: SharedRows, champion: Side, challenger: Side) -> Iterator[Pair]:
    """Every tier that both sides scored, over the shared rows that both have in it."""
    if champion.tiers is None or challenger.tiers is None:
        return
    facts = shared.challenger[["image_id", "label", "group"]]
    ours, theirs = _by_tier(champion.tiers), _by_tier(challenger.tiers)
    for tier in [name for name in ours if name in theirs]:
        rows = facts.merge(ours[tier], on="image_id").merge(theirs[tier], on="image_id", suffixes=("_a", "_b"))
        sides = (("_a", champion), ("_b", challenger))
        said = [
            _said(rows.rename(columns={f"p_fake{end}": "p_fake", f"logit{end}": "logit"}), side.thresholds)
            for end, side in sides
        ]
        yield _pair("tier", tier, "frame", rows, (said[0], said[1]))


def _by_tier(rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
    return {str(name): part[["image_id", "logit", "p_fake"]] for name, part in rows.groupby("tier", sort=True)}


def _said(rows: pd.DataFrame, thresholds: Thresholds) -> Said:
    flagged = verdicts(rows["p_fake"].to_numpy(dtype=np.float64), thresholds) == "fake"
    return Said(rows["logit"].to_numpy(dtype=np.float64), flagged)


def _pair(kind: str, name: str, level: str, rows: pd.DataFrame, said: tuple[Said, Said]) -> Pair:
    fake = (rows["label"] == "fake").to_numpy(dtype=np.bool_)
    return Pair(kind, name, level, fake, rows["group"].to_numpy(dtype=np.int64), *said)
