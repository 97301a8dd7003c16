"""Label vectors against the rows they belong to."""

import numpy as np
import pandas as pd

from unmask.data.forging.targets import is_consistent
from unmask.labels.graph import LabelGraph


def label_culprits(
    rows: pd.DataFrame, generated: pd.DataFrame, labels: pd.DataFrame, graph: LabelGraph
) -> dict[str, list[str]]:
    """Rows by what is wrong with their label: hidden and shown, missing, illegal, or at odds with real and fake."""
    visible = set(rows.loc[rows["labelled"], "image_id"]) | set(generated["image_id"])
    held_out = rows["split"].isin(("val", "test")) & (rows["label"] != "unlabelled") & ~rows["labelled"]
    return {
        "hidden_labels_shown": sorted(set(labels["image_id"]) - visible),
        "visible_rows_without_labels": sorted(visible - set(labels["image_id"])),
        "held_out_rows_with_hidden_label": rows.loc[held_out, "image_id"].tolist(),
        "forgeries_of_wrong_rows": _misplaced(rows, generated),
        "illegal_targets": _illegal(labels, graph),
        **_contradictions(pd.concat([rows, generated], ignore_index=True), labels),
    }


def _misplaced(rows: pd.DataFrame, generated: pd.DataFrame) -> list[str]:
    parents = rows[(rows["label"] == "real") & rows["labelled"] & (rows["split"] == "train")].set_index("image_id")
    origin = generated["forged_from"]
    sound = origin.isin(parents.index) & (generated["split"] == "train") & (generated["label"] == "fake")
    sound &= generated["group"].to_numpy() == parents["group"].reindex(origin).to_numpy()
    return list(generated.loc[~sound, "image_id"])


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


def _contradictions(rows: pd.DataFrame, labels: pd.DataFrame) -> dict[str, list[str]]:
    label_of = dict(zip(rows["image_id"], rows["label"], strict=True))
    marked_reals, unmarked_fakes = [], []
    for image_id, target, known in zip(labels["image_id"], labels["target"], labels["target_mask"], strict=True):
        label = label_of.get(image_id)
        if label == "real" and (any(target) or not all(known)):
            marked_reals.append(image_id)
        if label == "fake" and not (len(target) and target[0] and known[0]):
            unmarked_fakes.append(image_id)
    return {"reals_with_attributes": marked_reals, "fakes_without_root": unmarked_fakes}
