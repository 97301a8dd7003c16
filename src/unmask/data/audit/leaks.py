"""What no split may share, and near-duplicates that contradict each other."""

import numpy as np
import pandas as pd

from unmask.data.groups import Links, near_duplicate_links

USED = ("train", "val", "test")


def split_culprits(rows: pd.DataFrame, unseen_generators: frozenset[str], bits: int) -> dict[str, list[str]]:
    """Rows by what is wrong with their split: groups and near-duplicates in two, unseen generators outside test."""
    used = rows[rows["split"].isin(USED)]
    crossing = used.groupby("group")["split"].transform("nunique") > 1
    pairs = _near(used, bits)
    split = used["split"].to_numpy(dtype=str)
    apart = pairs[split[pairs[:, 0]] != split[pairs[:, 1]]]
    near = used["image_id"].iloc[np.unique(apart)]
    unseen = used["generator"].isin(unseen_generators) & (used["label"] == "fake") & (used["split"] != "test")
    return {
        "rows_of_groups_in_two_splits": used.loc[crossing, "image_id"].tolist(),
        "near_duplicates_across_splits": near.tolist(),
        "unseen_generators_outside_test": used.loc[unseen, "image_id"].tolist(),
    }


def opposed_near_duplicates(seen: pd.DataFrame, bits: int) -> list[str]:
    """Labelled rows with a near-duplicate of the other label where neither names the other as its original.

    A forgery looks like its original, and rows of one clip look alike; without such a reason one label may be wrong.
    """
    pairs = _near(seen, bits)
    label, clip = seen["label"].to_numpy(dtype=str), seen["clip"].to_numpy(dtype=str)
    left, right = pairs[:, 0], pairs[:, 1]
    own, original = seen["image_id"].to_numpy(dtype=str), seen["forged_from"].to_numpy(dtype=str)
    related = (original[left] == own[right]) | (original[right] == own[left])
    related |= (original[left] != "") & (original[left] == original[right])
    related |= (clip[left] != "") & (clip[left] == clip[right])
    opposed = pairs[(label[left] != label[right]) & ~related]
    return list(seen["image_id"].iloc[np.unique(opposed)])


def _near(rows: pd.DataFrame, bits: int) -> Links:
    hashes = np.array([int(text, 16) for text in rows["phash"]], dtype=np.uint64)
    return near_duplicate_links(hashes, bits)
