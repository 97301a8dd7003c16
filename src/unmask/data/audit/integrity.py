"""Whether the shards hold what a manifest says: members, sampled crops, sizes of masks."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pandas as pd
from PIL import Image

from unmask.console import track
from unmask.data.decode import decode_image, decode_mask, pillow_quiet
from unmask.data.shards import ShardReader, check_inside, open_shard
from unmask.errors import DataError

Troubles = Mapping[str, str]  # image_id -> what is wrong with it


def missing_members(rows: pd.DataFrame, root: Path) -> Troubles:
    """Rows whose crop or mask is in no whole shard below ROOT; shards are only listed, no picture is read."""
    wanted: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for image_id, *keys in rows[["image_id", "key", "mask_key"]].itertuples(index=False):
        for shard, _, member in (key.rpartition("/") for key in keys if key):
            wanted[shard].append((member, image_id))
    troubles: dict[str, str] = {}
    for shard, members in sorted(wanted.items()):
        held, damage = _listing(root, shard)
        reason = damage or f"{root / shard}: lacks members that the manifest names"
        troubles |= {image_id: reason for member, image_id in members if member not in held}
    return troubles


def unreadable_crops(rows: pd.DataFrame, root: Path, *, per_source: int) -> Troubles:
    """Of PER_SOURCE rows of each source, those whose crop does not decode or has another size than its row.

    The rows are the first by image_id, which is a hash: an arbitrary choice, the same in every run.
    """
    chosen = rows.sort_values("image_id").groupby("source").head(per_source)
    reader = ShardReader(root)
    return dict(
        _unfit(
            chosen,
            lambda row: decode_image(reader.read(row["key"])),
            sentence="{} px, its row says {}",
            what="decoding a sample",
        )
    )


def masks_of_other_size(rows: pd.DataFrame, root: Path) -> Troubles:
    """Rows whose mask does not decode or has another size than their crop."""
    reader = ShardReader(root)
    return dict(
        _unfit(
            rows[rows["mask_key"] != ""],
            lambda row: decode_mask(reader.read(row["mask_key"])),
            sentence="mask of {} px on a crop of {}",
            what="measuring masks",
        )
    )


def summed_up(troubles: Troubles) -> list[str]:
    """Each kind of trouble once, with the number of rows, most frequent first."""
    counts = pd.Series(list(troubles.values()), dtype=str).value_counts()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return [f"{what} ({count:,} rows)" for what, count in ordered]


def _listing(root: Path, shard: str) -> tuple[set[str], str]:
    try:
        check_inside(shard)
        with open_shard(root / shard) as opened:
            return set(opened.namelist()), ""
    except DataError as error:
        return set(), str(error)


def _unfit(
    rows: pd.DataFrame, read: Callable[[pd.Series], Image.Image], *, sentence: str, what: str
) -> Iterator[tuple[str, str]]:
    """Rows whose picture, got by READ, does not decode or is not of the row's size, with what is wrong."""
    with pillow_quiet():
        for _, row in track(rows.iterrows(), what, total=len(rows)):
            try:
                size = read(row).size
            except DataError as error:
                yield row["image_id"], str(error)
                continue
            if size != (row["width"], row["height"]):
                yield row["image_id"], sentence.format(_as_text(size), _as_text((row["width"], row["height"])))


def _as_text(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
