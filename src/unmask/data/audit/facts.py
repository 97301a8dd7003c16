"""One-row summary of the whole data set, and the rows behind each number that should be 0."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from unmask.data.audit.association import binned, cramers_v
from unmask.data.forging.targets import is_consistent
from unmask.data.groups import near_duplicate_links
from unmask.labels.graph import LabelGraph

USED = ("train", "val", "test")


@dataclass(frozen=True)
class Inputs:
    """What the gate looks at: dataset, generated rows, labels.parquet, quarantine list, pooled shortcut AUC."""

    rows: pd.DataFrame
    generated: pd.DataFrame
    labels: pd.DataFrame
    quarantine: pd.DataFrame
    shortcut_auc: float | None
    graph: LabelGraph
    unseen_generators: frozenset[str]
    near_duplicate_bits: int


@dataclass(frozen=True)
class Facts:
    """Numbers by name, and the image_ids to blame by the same name."""

    numbers: dict[str, float]
    culprits: dict[str, list[str]] = field(default_factory=dict)

    def frame(self) -> pd.DataFrame:
        """The numbers as a one-row table."""
        return pd.DataFrame([self.numbers])


def gather_facts(inputs: Inputs) -> Facts:
    """Compute every number that the suite bounds."""
    culprits = {**_split_culprits(inputs), **_label_culprits(inputs)}
    numbers: dict[str, float] = {name: float(len(ids)) for name, ids in culprits.items()}
    rows, quarantined = inputs.rows, len(inputs.quarantine)
    seen = rows[rows["labelled"]]
    numbers["rows"] = float(len(rows))
    numbers["training_reals"] = _count(seen, "train", "real")
    numbers["training_fakes"] = _count(seen, "train", "fake") + len(inputs.generated)
    numbers["validation_reals"] = _count(seen, "val", "real")
    numbers["validation_fakes"] = _count(seen, "val", "fake")
    numbers["test_reals"] = _count(seen, "test", "real")
    numbers["test_fakes"] = _count(seen, "test", "fake")
    numbers["quarantined_fraction"] = quarantined / max(1, quarantined + len(rows))
    numbers["association_format"] = cramers_v(seen["label"], seen["format"])
    numbers["association_size"] = cramers_v(
        seen["label"], binned(seen["picture_width"].astype(float) * seen["picture_height"])
    )
    numbers["association_quality"] = cramers_v(seen["label"], binned(seen["jpeg_quality"]))
    # too few rows to audit is no evidence of a shortcut
    numbers["shortcut_auc"] = 0.5 if inputs.shortcut_auc is None else inputs.shortcut_auc
    return Facts(numbers, culprits)


def _count(rows: pd.DataFrame, split: str, label: str) -> float:
    return float(((rows["split"] == split) & (rows["label"] == label)).sum())


def _split_culprits(inputs: Inputs) -> dict[str, list[str]]:
    used = inputs.rows[inputs.rows["split"].isin(USED)]
    crossing = used.groupby("group")["split"].transform("nunique") > 1
    hashes = np.array([int(text, 16) for text in used["phash"]], dtype=np.uint64)
    pairs = near_duplicate_links(hashes, inputs.near_duplicate_bits)
    split = used["split"].to_numpy(dtype=str)
    apart = pairs[split[pairs[:, 0]] != split[pairs[:, 1]]]
    near = used["image_id"].iloc[np.unique(apart)]
    unseen = used["generator"].isin(inputs.unseen_generators) & (used["label"] == "fake") & (used["split"] != "test")
    return {
        "rows_of_groups_in_two_splits": used.loc[crossing, "image_id"].tolist(),
        "near_duplicates_across_splits": near.tolist(),
        "unseen_generators_outside_test": used.loc[unseen, "image_id"].tolist(),
    }


def _label_culprits(inputs: Inputs) -> dict[str, list[str]]:
    rows, generated, labels = inputs.rows, inputs.generated, inputs.labels
    visible = set(rows.loc[rows["labelled"], "image_id"]) | set(generated["image_id"])
    held_out = rows["split"].isin(("val", "test")) & (rows["label"] != "unlabelled") & ~rows["labelled"]
    parents = rows[(rows["label"] == "real") & rows["labelled"] & (rows["split"] == "train")].set_index("image_id")
    origin = generated["forged_from"]
    sound = origin.isin(parents.index) & (generated["split"] == "train") & (generated["label"] == "fake")
    sound &= generated["group"].to_numpy() == parents["group"].reindex(origin).to_numpy()
    return {
        "hidden_labels_shown": sorted(set(labels["image_id"]) - visible),
        "visible_rows_without_labels": sorted(visible - set(labels["image_id"])),
        "held_out_rows_with_hidden_label": rows.loc[held_out, "image_id"].tolist(),
        "forgeries_of_wrong_rows": generated.loc[~sound, "image_id"].tolist(),
        "illegal_targets": _illegal(labels, inputs.graph),
    }


def _illegal(labels: pd.DataFrame, graph: LabelGraph) -> list[str]:
    verdicts: dict[tuple[int, ...], bool] = {}
    wrong = []
    for image_id, target, known in zip(labels["image_id"], labels["target"], labels["target_mask"], strict=True):
        state = (*(int(value) for value in target), *(int(value) for value in known))
        if state not in verdicts:
            fits = len(target) == len(known) == len(graph)
            verdicts[state] = fits and is_consistent(np.asarray(target), np.asarray(known), graph)
        if not verdicts[state]:
            wrong.append(image_id)
    return wrong
