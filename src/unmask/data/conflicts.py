"""Near-duplicates of which one is called real and the other fake, though neither was made from the other."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from unmask.data.groups import Hashes, hamming, near_pairs

Rows = npt.NDArray[np.int64]
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
    """Rows of CONFLICTS_SCHEMA: each fake that is a near-duplicate of a strange real, with the nearest such real.

    A forgery may well look like its original: a pair, and two crops of one clip, of the original's clip or of one
    identity, are no conflict.
    """
    hashes = np.array([int(text, 16) for text in rows["phash"]], dtype=np.uint64)
    label, homes = rows["label"].to_numpy(), _homes(rows)
    nearest: dict[int, tuple[int, int]] = {}
    for fakes, reals, bits in _near(hashes, label == "fake", label == "real", near_duplicate_bits):
        for fake in fakes.tolist():
            stranger = next((real for real in reals.tolist() if homes[fake].isdisjoint(homes[real])), -1)
            if stranger >= 0:
                nearest[fake] = min((bits, stranger), nearest.get(fake, (bits, stranger)))
    listed = sorted(nearest)
    other = rows.iloc[[nearest[fake][1] for fake in listed]]
    found = rows.iloc[listed][["image_id", "source", "path", "label"]].assign(
        **{f"other_{name}": other[name].to_numpy() for name in ("image_id", "source", "path")},
        bits=[nearest[fake][0] for fake in listed],
    )
    ordered: pd.DataFrame = found.sort_values(["source", "path", "other_path"], kind="stable", ignore_index=True)
    return ordered


def _homes(rows: pd.DataFrame) -> list[set[tuple[str, str, str]]]:
    """The files, clips and identities that each row is of, those of its original among them."""
    columns = ["source", "raw_sha256", "clip", "group_hint"]
    own = [
        {("file", "", sha)} | {each for each in (("clip", source, clip), ("identity", source, identity)) if each[2]}
        for source, sha, clip, identity in rows[columns].itertuples(index=False)
    ]
    of_file = dict(zip(rows["raw_sha256"], own, strict=True))
    return [
        homes | of_file.get(pair, {("file", "", pair)}) if pair else homes
        for homes, pair in zip(own, rows["pair_sha256"], strict=True)
    ]


def _near(
    hashes: Hashes, fake: npt.NDArray[np.bool_], real: npt.NDArray[np.bool_], bits: int
) -> Iterator[tuple[Rows, Rows, int]]:
    """Rows of fakes and of reals that have one hash each, and the distance of the two hashes."""
    values, inverse = np.unique(hashes, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1)
    has_fake = np.bincount(inverse[fake], minlength=len(values)) > 0
    has_real = np.bincount(inverse[real], minlength=len(values)) > 0
    pairs = near_pairs(values, bits)
    same = np.repeat(np.arange(len(values))[:, None], 2, axis=1)
    both_ways = np.concatenate([same, pairs, pairs[:, ::-1]])
    for one, other in both_ways[has_fake[both_ways[:, 0]] & has_real[both_ways[:, 1]]]:
        left, right = members[one], members[other]
        yield left[fake[left]], right[real[right]], int(hamming(values[[one]], values[[other]])[0])
