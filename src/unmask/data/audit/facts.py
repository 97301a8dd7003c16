"""One-row summary of the whole data set, and what stands behind each number: rows to blame, sentences that name."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from unmask.config import Validate
from unmask.data.audit.association import MIN_ROWS, cramers_v, histories, strongest_within_sources, uniform_classes
from unmask.data.audit.balance import (
    fakes_without_generator,
    forged_reals,
    lopsided_sources,
    smaller_share,
    unknown_generators,
)
from unmask.data.audit.growth import Cells, changes, count_cells
from unmask.data.audit.integrity import Troubles, summed_up
from unmask.data.audit.labelling import label_culprits
from unmask.data.audit.leaks import opposed_near_duplicates, split_culprits
from unmask.labels.graph import LabelGraph


@dataclass(frozen=True)
class Inputs:
    """What the gate looks at.

    Dataset, generated rows, labels.parquet, quarantine list; what `integrity` found by its name; pooled shortcut AUC,
    None where there was none, and then why; counts of the accepted version, empty where there was none.
    """

    rows: pd.DataFrame
    generated: pd.DataFrame
    labels: pd.DataFrame
    quarantine: pd.DataFrame
    troubles: Mapping[str, Troubles]
    accepted: Cells
    shortcut_auc: float | None
    shortcut_missing: str
    graph: LabelGraph
    unseen_generators: frozenset[str]
    near_duplicate_bits: int


@dataclass(frozen=True)
class Facts:
    """Numbers by name, NaN where one can't be had; by the same name image_ids to blame, sentences on what is meant.

    `missing` says by the same name why a number can't be had.
    """

    numbers: dict[str, float]
    culprits: dict[str, list[str]] = field(default_factory=dict)
    named: dict[str, list[str]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def frame(self) -> pd.DataFrame:
        """The numbers as a one-row table."""
        return pd.DataFrame([self.numbers])


def gather_facts(inputs: Inputs, settings: Validate) -> Facts:
    """Compute every number that the suite bounds."""
    seen = inputs.rows[inputs.rows["labelled"] & (inputs.rows["label"] != "unlabelled")]
    strange = unknown_generators(inputs.rows)
    culprits = {
        **{name: sorted(found) for name, found in inputs.troubles.items()},
        **split_culprits(inputs.rows, inputs.unseen_generators, inputs.near_duplicate_bits),
        **label_culprits(inputs.rows, inputs.generated, inputs.labels, inputs.graph),
        "opposed_near_duplicates": opposed_near_duplicates(seen, inputs.near_duplicate_bits),
        "forged_reals": forged_reals(inputs.rows),
        "fakes_without_generator": fakes_without_generator(inputs.rows),
        "fakes_of_unknown_generators": [image_id for ids in strange.values() for image_id in ids],
    }
    named = {
        **{name: summed_up(found) for name, found in inputs.troubles.items()},
        "fakes_of_unknown_generators": [f"{generator} ({len(ids):,} rows)" for generator, ids in strange.items()],
        "lopsided_sources": lopsided_sources(seen, least=settings.min_class_share),
        "uniform_classes": uniform_classes(seen),
        "quarantined_sources": _quarantined_sources(inputs, settings.max_quarantined_fraction),
    }
    numbers = {name: float(len(found)) for name, found in (named | culprits).items()}
    numbers |= _counts(inputs, seen)
    numbers |= {f"association_{name}": cramers_v(seen["label"], found) for name, found in histories(seen).items()}
    strongest = strongest_within_sources(seen, bound=settings.max_label_association)
    numbers["association_within_sources"], named["association_within_sources"] = strongest
    growth_numbers, growth_named = _growth(inputs, settings)
    missing = {} if inputs.shortcut_auc is not None else {"shortcut_auc": inputs.shortcut_missing}
    if math.isnan(strongest[0]):
        missing["association_within_sources"] = f"no source has {MIN_ROWS} reals and {MIN_ROWS} fakes"
    return Facts(numbers | growth_numbers, culprits, named | growth_named, missing)


def _counts(inputs: Inputs, seen: pd.DataFrame) -> dict[str, float]:
    refused, kept = (int(files.sum()) for files in _files(inputs))
    return {
        "rows": float(len(inputs.rows)),
        "training_reals": _count(seen, "train", "real"),
        "training_fakes": _count(seen, "train", "fake") + len(inputs.generated),
        "validation_reals": _count(seen, "val", "real"),
        "validation_fakes": _count(seen, "val", "fake"),
        "test_reals": _count(seen, "test", "real"),
        "test_fakes": _count(seen, "test", "fake"),
        "quarantined_fraction": refused / max(1, refused + kept),
        "class_share": smaller_share(seen),
        "shortcut_auc": math.nan if inputs.shortcut_auc is None else inputs.shortcut_auc,
    }


def _count(rows: pd.DataFrame, split: str, label: str) -> float:
    return float(((rows["split"] == split) & (rows["label"] == label)).sum())


def _quarantined_sources(inputs: Inputs, most: float) -> list[str]:
    refused, kept = _files(inputs)
    shares = {name: count / (count + kept.get(name, 0)) for name, count in refused.items() if name}
    return [f"{name}: {share:.0%} in quarantine" for name, share in sorted(shares.items()) if share > most]


def _files(inputs: Inputs) -> tuple["pd.Series[int]", "pd.Series[int]"]:
    """Files without any crop and files with crops, by source: a clip is one, however many frames it gave or lost."""
    lost = inputs.quarantine[~inputs.quarantine["used"]]
    refused = lost.drop_duplicates(["source", "path"])["source"].value_counts()
    return refused, inputs.rows.drop_duplicates(["source", "raw_sha256"])["source"].value_counts()


def _growth(inputs: Inputs, settings: Validate) -> tuple[dict[str, float], dict[str, list[str]]]:
    found = changes(inputs.accepted, count_cells(inputs.rows))
    numbers = {
        "shrink": _largest(-change.relative for change in found),
        "growth": _largest(change.relative for change in found),
    }
    named = {
        "shrink": [change.sentence() for change in found if -change.relative > settings.max_shrink],
        "growth": [change.sentence() for change in found if change.relative > settings.max_growth],
    }
    return numbers, named


def _largest(values: Iterable[float]) -> float:
    return max(0.0, *values, 0.0)
