"""Near-duplicates of which one is called real and the other fake, though neither was made from the other."""

import numpy as np
import pandas as pd
import pyarrow as pa

from unmask.data.groups import hamming, near_duplicate_links

CONFLICTS_SCHEMA = pa.schema(
    [
        *(
            pa.field(name, pa.string(), nullable=False)
            for name in ("image_id", "source", "path", "label", "other_image_id", "other_source", "other_path")
        ),
        pa.field("bits", pa.int32(), nullable=False),  # of 64 in which their perceptual hashes differ
    ]
)


def find_conflicts(rows: pd.DataFrame, near_duplicate_bits: int) -> pd.DataFrame:
    """Rows of CONFLICTS_SCHEMA; of many equal hashes at least one pair is named.

    A forgery may well look like its original: a pair, and two crops of one clip or of one identity, are no conflict.
    """
    hashes = np.array([int(text, 16) for text in rows["phash"]], dtype=np.uint64)
    links = near_duplicate_links(hashes, near_duplicate_bits)
    one, other = (rows.iloc[links[:, side]].reset_index(drop=True) for side in (0, 1))
    labels = pd.concat([one["label"], other["label"]], axis=1).to_numpy(dtype=str)
    odd = (np.sort(labels, axis=1) == ["fake", "real"]).all(axis=1)
    odd &= ~((one["raw_sha256"] == other["pair_sha256"]) | (other["raw_sha256"] == one["pair_sha256"])).to_numpy()
    for column in ("clip", "group_hint"):
        same = (one[column] != "") & (one[column] == other[column]) & (one["source"] == other["source"])
        odd &= ~same.to_numpy()
    found = one.loc[odd, ["image_id", "source", "path", "label"]].assign(
        **{f"other_{name}": other.loc[odd, name] for name in ("image_id", "source", "path")},
        bits=hamming(hashes[links[odd, 0]], hashes[links[odd, 1]]),
    )
    ordered: pd.DataFrame = found.sort_values(["source", "path", "other_path"], kind="stable", ignore_index=True)
    return ordered
