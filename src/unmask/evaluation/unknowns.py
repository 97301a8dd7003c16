"""What the numbers do not tell, each line computed from the data at hand."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from unmask.evaluation.measure import Candidate

LISTED = 6  # names shown before "and n more"
TIERS = (
    "How the verdict holds under recompression, resizing and thumbnails: pictures are scored as they came, "
    "the web and hard tiers are not measured."
)
TRANSPORT = (
    "Chains of changes as sites and messengers really apply them: "
    "each tier changes the source picture in one known way."
)
WARM = "What the same data would give from the start: the weights go on from {}, with whatever that one had learnt."
SEEDS = "How much another training run would differ: intervals cover the choice of test pictures, with one seed."


def unknowns(
    manifest: pd.DataFrame,
    packaged: Candidate,
    generators: Sequence[Mapping[str, Any]],
    *,
    quarantined: int,
    tiers: bool,
    went_on_from: str = "",
) -> list[str]:
    """Sentences for the report, the weightiest first.

    MANIFEST is the whole dataset's, GENERATORS the rows of `generator_rows`; TIERS says whether these were measured.
    WENT_ON_FROM is the version whose weights training began with, "" where it began afresh.
    """
    return [
        *_data(manifest),
        *([WARM.format(went_on_from)] if went_on_from else []),
        *_detector(packaged, generators),
        *_coverage(manifest, quarantined),
        TRANSPORT if tiers else TIERS,
        SEEDS,
    ]


def _data(manifest: pd.DataFrame) -> Iterator[str]:
    test = manifest[manifest["split"] == "test"]
    train = manifest[(manifest["split"] == "train")]
    learnt = manifest[manifest["split"].isin(["train", "val"])]
    unseen = sorted(set(_fakes(test)["generator"]) - set(_fakes(learnt)["generator"]))
    if unseen:
        yield f"Next year's generators: “unseen” here means {listed(unseen)} and nothing else."
    else:
        yield "Generators the detector has never seen: there is none among the test pictures."
    new = set(_reals(test)["source"]) - set(_reals(train)["source"])
    if not new:
        yield "False positives on cameras and sites outside this data: every test real is of a source seen in training."
    if not (test["clip"] != "").any():
        yield "Clips: there are only single pictures, so no clip-level number exists."


def _detector(packaged: Candidate, generators: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from packaged.calibration.notes
    doubtful = [f"{row['source']} / {row['generator']}" for row in generators if not_above(row, packaged.name)]
    if doubtful:
        yield (
            f"Whether the {packaged.name} sees more than file statistics on {listed(doubtful)}: "
            "its interval reaches down to the shortcut's AUC."
        )
    small = [f"{row['name']} ({row['metrics']['auc']['reason']})" for row in packaged.measured if _without_auc(row)]
    if small:
        yield f"AUC of slices too small to bear one: {listed(small)}."


def _coverage(manifest: pd.DataFrame, quarantined: int) -> Iterator[str]:
    train = manifest[(manifest["split"] == "train") & (manifest["label"] != "unlabelled")]
    hidden = int((~train["labelled"]).sum())
    if hidden:
        yield f"What all labels would give: {hidden:,} of {len(train):,} training labels were hidden on purpose."
    excluded = int((manifest["split"] == "excluded").sum())
    if excluded:
        yield f"{excluded:,} pictures are in no split, because they are linked to groups of another one."
    if quarantined:
        yield f"{quarantined:,} files could not be used and were never scored (build/dataset/quarantine.parquet)."
    unlabelled = int((manifest["label"] == "unlabelled").sum())
    if unlabelled:
        yield f"{unlabelled:,} pictures have no label and enter no number."


def not_above(row: Mapping[str, Any], candidate: str) -> bool:
    """Whether the candidate's interval reaches down to what the shortcut alone achieves."""
    low, simple = row[candidate]["auc"]["low"], row["shortcut_auc"]
    return low is not None and simple is not None and low <= max(simple, 1 - simple)


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, shortened."""
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


def _without_auc(row: Mapping[str, Any]) -> bool:
    return bool(row["metrics"]) and row["metrics"]["auc"]["value"] is None


def _fakes(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["label"] == "fake"]


def _reals(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["label"] == "real"]
