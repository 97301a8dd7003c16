"""Rows of all shards to one manifest: duplicates, groups, splits, domains, and what could not be used."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from unmask.config import Assemble
from unmask.console import say
from unmask.data.domains import cluster_domains
from unmask.data.groups import Links, near_duplicate_links, pair_links, same_value_links
from unmask.data.manifest import UNKNOWN_DOMAIN, write_manifest
from unmask.data.originals import original_ids
from unmask.data.shards import ShardReader
from unmask.data.splits import Shares, SplitRules, assign_splits
from unmask.data.tables import write_typed
from unmask.errors import DataError

CLUSTERS = "clusters"
_TEXT = ("path", "source", "reason", "batch", "label", "generator")
QUARANTINE_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in _TEXT),
        pa.field("used", pa.bool_(), nullable=False),  # another frame or face of the same file gave a crop
    ]
)
DUPLICATES_SCHEMA = pa.schema(
    [pa.field(name, pa.string(), nullable=False) for name in ("path", "source", "batch", "image_id", "kept_path")]
)
_WIDE_GROUP = 0.02


def write_dataset(
    out: Path,
    *,
    index: pd.DataFrame,
    rows: pd.DataFrame,
    refused: pd.DataFrame,
    settings: Assemble,
    seed: int,
) -> str:
    """Write manifest.parquet, quarantine.parquet and duplicates.parquet into OUT; returns the summary line.

    INDEX has the chosen rows of all batches in order of arrival, ROWS what each shard's crops measured, REFUSED
    what ingest put into quarantine. Of crops with equal pixels the first with a label stays; those that are real
    here and fake there go to quarantine, all of them; near-duplicates that are so the gate shows.

    Raises:
        DataError: no picture gave a crop.
    """
    joined = index.merge(rows.rename(columns={"index_key": "key"}), on=["batch", "key"], suffixes=("_raw", ""))
    joined = joined.sort_values(["sequence", "batch", "key", "frame", "face"], kind="stable", ignore_index=True)
    whole = joined[joined["reason"] == ""].reset_index(drop=True)
    if whole.empty:
        reason = joined["reason"].iloc[0] if len(joined) else "there is none"
        raise DataError(f"none of {len(joined)} pictures gave a crop (first: {reason})")
    links = find_links(whole, settings.near_duplicate_bits)
    placed = pd.concat([whole, assign_splits(_arrivals(whole), links, _rules(settings, seed))], axis=1)
    kept, duplicates, contradicting = _drop_copies(placed)
    manifest = _manifest(kept).assign(domain=_domains(kept, out, settings, seed))
    quarantine = pd.concat([refused, joined[joined["reason"] != ""], contradicting], ignore_index=True)
    used = quarantine["raw_sha256"].isin(kept["raw_sha256"]) & quarantine["raw_sha256"].notna()
    quarantine = quarantine.reindex(columns=list(_TEXT)).fillna("").assign(used=used)
    quarantine = quarantine.sort_values(list(_TEXT), kind="stable")
    write_typed(out / "quarantine.parquet", quarantine, QUARANTINE_SCHEMA)
    write_typed(out / "duplicates.parquet", duplicates, DUPLICATES_SCHEMA)
    write_manifest(out / "manifest.parquet", manifest)
    _remark(kept, manifest, settings)
    return f"{_summary(manifest, len(quarantine), len(duplicates))}{_seen(joined, settings)}"


def find_links(rows: pd.DataFrame, near_duplicate_bits: int) -> Links:
    """Links between rows that must share a group: identity, clip, file, pair, equal pixels, near-duplicates."""
    hashes = np.array([int(text, 16) for text in rows["phash"]], dtype=np.uint64)
    return np.concatenate(
        [
            same_value_links(_within_source(rows, "group_hint")),
            same_value_links(_within_source(rows, "clip")),
            same_value_links(rows["raw_sha256"]),
            same_value_links(rows["image_id"]),
            pair_links(rows["raw_sha256"], rows["pair_sha256"]),
            near_duplicate_links(hashes, near_duplicate_bits),
        ]
    )


def _within_source(rows: pd.DataFrame, column: str) -> list[tuple[str, str] | None]:
    # Identity 7 of one source is not identity 7 of another.
    return [(source, value) if value else None for source, value in zip(rows["source"], rows[column], strict=True)]


def _arrivals(rows: pd.DataFrame) -> pd.DataFrame:
    arrival = rows.groupby(["sequence", "batch"], sort=True).ngroup()
    return rows[["raw_sha256", "source", "label", "generator"]].assign(arrival=arrival)


def _rules(settings: Assemble, seed: int) -> SplitRules:
    return SplitRules(
        seed=seed,
        val_fraction=settings.val_fraction,
        test_fraction=settings.test_fraction,
        unseen_generators=tuple(settings.unseen_generators),
        labelled_fraction=settings.labelled_fraction,
        by_source={
            name: Shares(shares.val_fraction, shares.test_fraction, shares.labelled_fraction)
            for name, shares in settings.source_shares.items()
        },
    )


def _drop_copies(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    labelled = rows[rows["label"] != "unlabelled"]
    kinds = labelled.groupby("image_id")["label"].nunique()
    contradicting = rows["image_id"].isin(kinds.index[kinds > 1])
    rest = rows[~contradicting]
    best = rest.iloc[(rest["label"] == "unlabelled").to_numpy().argsort(kind="stable")]
    first = best.drop_duplicates("image_id")
    kept = rest.loc[np.sort(first.index)]
    copies = rest.drop(index=kept.index)
    kept_path = dict(zip(kept["image_id"], kept["source"] + "/" + kept["path"], strict=True))
    duplicates = copies[["path", "source", "batch", "image_id"]].assign(kept_path=copies["image_id"].map(kept_path))
    quarantined = rows[contradicting].assign(reason="same pixels as real and as fake")
    return kept.reset_index(drop=True), duplicates, quarantined


def _manifest(rows: pd.DataFrame) -> pd.DataFrame:
    known = {text: json.dumps(sorted(json.loads(text))) for text in rows["attributes"].unique()}
    return rows.assign(
        key=rows["crop_key"],
        generator=rows["generator"].where(rows["label"] != "unlabelled", ""),
        mask_key=rows["crop_mask_key"].fillna(""),
        forged_from=original_ids(rows),
        attribute_mask=rows["attributes"].map(known),
    )


def _domains(rows: pd.DataFrame, out: Path, settings: Assemble, seed: int) -> list[str]:
    if settings.domain == "source":
        return [str(name) for name in rows["source"]]
    if settings.domain == CLUSTERS:
        placed = pd.DataFrame({"key": rows["crop_key"], "split": rows["split"]})
        with ShardReader(out) as reader:
            return cluster_domains(
                reader, placed, encoder=settings.domain_encoder, clusters=settings.domain_clusters, seed=seed
            )
    return [str(json.loads(text).get(settings.domain, UNKNOWN_DOMAIN)) for text in rows["attributes"]]


def _remark(rows: pd.DataFrame, manifest: pd.DataFrame, settings: Assemble) -> None:
    linking = int(rows["linking"].sum())
    if linking:
        say(f"note: {linking:,} rows excluded because they would link groups of different splits")
    excluded = int((manifest["split"] == "excluded").sum()) - linking
    if excluded:
        say(f"note: {excluded:,} rows excluded because their group is in another split than they may be in")
    lone = int((rows["pair_sha256"].isin(rows["raw_sha256"]) & manifest["forged_from"].eq("").to_numpy()).sum())
    if lone:
        say(f"note: {lone:,} crops of fakes have no crop of the same frame and place in their original")
    if set(manifest["domain"]) == {UNKNOWN_DOMAIN}:
        say(f"note: no attributes.csv has the column {settings.domain!r} of assemble.domain; all domains are unknown")
    widest = manifest["group"].value_counts().iloc[0]
    if widest > max(50, _WIDE_GROUP * len(manifest)):
        say(
            f"note: the largest group has {widest:,} of {len(manifest):,} rows; assemble.near_duplicate_bits joins them"
        )


def _seen(joined: pd.DataFrame, settings: Assemble) -> str:
    """How many clips gave frames, and in how many pictures and frames a face was found."""
    clips = joined[joined["clip"].ne("") & joined["frame_time_s"].notna()].groupby(["source", "clip"])
    frames = f", {clips.ngroups:,} clips" if clips.ngroups else ""
    # The reason tells frames apart that gave no crop and so no number.
    stills = joined.drop_duplicates(["raw_sha256", "frame", "reason"])
    looked = stills[stills["face_score"].notna() | stills["reason"].str.startswith("no face")]
    if settings.faces.detector == "none" or looked.empty:
        return frames
    found = int((looked["face_score"] > 0).sum())
    return f"{frames}, faces found in {found / len(looked):.1%} of {len(looked):,}"


def _summary(manifest: pd.DataFrame, quarantined: int, duplicates: int) -> str:
    counts = Counter(zip(manifest["split"], manifest["label"], strict=True))
    parts = []
    for split in ("train", "val", "test", "excluded"):
        labels = [
            f"{counts[split, label]:,} {label}" for label in ("real", "fake", "unlabelled") if counts[split, label]
        ]
        if labels:
            parts.append(f"{split} {' + '.join(labels)}")
    sizes = manifest["group"].value_counts()
    visible = int(((manifest["split"] == "train") & manifest["labelled"]).sum())
    return (
        f"{len(manifest):,} crops ({'; '.join(parts)}), {visible:,} training labels visible, {quarantined:,} "
        f"quarantined, {duplicates:,} duplicates, {len(sizes):,} groups (largest {sizes.iloc[0]:,})"
    )
