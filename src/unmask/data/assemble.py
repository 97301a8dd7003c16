"""Batches to crops: shard by shard, keyed by content and settings, so that only new shards are worked on."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

import pandas as pd
import pyarrow as pa

from unmask.config import Assemble, SourceShares
from unmask.console import track
from unmask.data.batches import Batch, list_batches, read_index, read_quarantine
from unmask.data.code import code_digest
from unmask.data.crops import Crop, CropMaker, CropSettings, Job
from unmask.data.faces import CROPS, MISSING, check_detector, detector_version
from unmask.data.manifest import MANIFEST_SCHEMA
from unmask.data.merge import write_dataset
from unmask.data.parallel import Workers, ordered_map, process_pool
from unmask.data.shards import ShardWriter, open_shard
from unmask.data.stills import Limits, is_clip
from unmask.data.tables import read_typed, write_typed
from unmask.errors import ConfigError, DataError
from unmask.files import sha256_of

_MEASURED = (
    *("image_id", "width", "height", "picture_width", "picture_height", "frame", "frame_time_s", "face", "crop_box"),
    *("format", "mode", "jpeg_quality", "quantisation", "subsampling", "profile"),
    *("sharpness", "brightness", "face_score", "landmarks", "phash"),
)
ROWS_SCHEMA = pa.schema(
    [
        pa.field("index_key", pa.string(), nullable=False),  # as in the batch's index
        pa.field("reason", pa.string(), nullable=False),  # why there is no crop, or ""
        pa.field("crop_key", pa.string()),
        pa.field("crop_mask_key", pa.string()),
        *(MANIFEST_SCHEMA.field(name).with_nullable(True) for name in _MEASURED),
    ]
)
_CHUNK = 16


def assemble(data: Path, out: Path, *, settings: Assemble, seed: int, workers: Workers) -> str:
    """Make OUT/manifest.parquet, its crops and its quarantine from the batches of DATA; returns the summary line.

    Crops and rows of a shard whose content and settings have not changed are kept from the last run.

    Raises:
        ConfigError: a setting is out of its range, or needs the extra `faces`.
        DataError: DATA holds no picture of the chosen sources, or a shard is missing or damaged.
    """
    check_settings(settings)
    crop_settings = _crop_settings(settings)
    index, quarantine = _read_batches(data, settings.sources)
    out.mkdir(parents=True, exist_ok=True)
    shards = list(_shards(data, index, crop_settings))
    _remove_stale(out, {shard.name for shard in shards})
    _make_crops([shard for shard in shards if not _is_done(out, shard)], out, crop_settings, workers=workers)
    rows = pd.concat([shard.read_rows(out) for shard in shards], ignore_index=True)
    return write_dataset(out, index=index, rows=rows, refused=quarantine, settings=settings, seed=seed)


def check_settings(settings: Assemble) -> None:
    """Check what types alone can't.

    Raises:
        ConfigError: the message names the key.
    """
    check_detector(settings.faces.detector)
    for key, value, choices in (("crop", settings.faces.crop, CROPS), ("missing", settings.faces.missing, MISSING)):
        if value not in choices:
            raise ConfigError(f"assemble.faces.{key}: {value!r} is not one of {', '.join(choices)}")
    if not 0 <= settings.faces.margin <= 2:
        raise ConfigError("assemble.faces.margin: must be within 0..2")
    if settings.clip_frames < 1:
        raise ConfigError("assemble.clip_frames: must be at least 1")
    if not 1 <= settings.min_side_px <= settings.max_side_px:
        raise ConfigError("assemble.min_side_px: must be within 1..assemble.max_side_px")
    _check_shares(settings, "assemble.")
    for source, shares in settings.source_shares.items():
        _check_shares(shares, f"assemble.source_shares.{source}.")
    if not 0 <= settings.near_duplicate_bits <= 16:
        raise ConfigError("assemble.near_duplicate_bits: must be within 0..16")


def _check_shares(shares: Assemble | SourceShares, where: str) -> None:
    if min(shares.val_fraction, shares.test_fraction) < 0 or shares.val_fraction + shares.test_fraction >= 1:
        raise ConfigError(f"{where}val_fraction and {where}test_fraction: must not be negative, their sum under 1")
    if not 0 <= shares.labelled_fraction <= 1:
        raise ConfigError(f"{where}labelled_fraction: must be within 0..1")


def _crop_settings(settings: Assemble) -> CropSettings:
    limits = Limits(settings.max_megapixels, settings.max_megabytes, settings.max_clip_megabytes, settings.clip_frames)
    faces = settings.faces
    return CropSettings(
        max_side_px=settings.max_side_px,
        min_side_px=settings.min_side_px,
        limits=limits,
        detector=faces.detector,
        detector_version=detector_version(faces.detector),
        crop=faces.crop,
        margin=faces.margin,
        missing=faces.missing,
    )


@dataclass(frozen=True)
class _Shard:
    batch: Path
    jobs: list[Job]
    name: str

    def rows(self, out: Path) -> Path:
        return out / f"rows-{self.name}.parquet"

    def crops(self, out: Path) -> Path:
        return out / f"crops-{self.name}.zip"

    def read_rows(self, out: Path) -> pd.DataFrame:
        rows = read_typed(self.rows(out), ROWS_SCHEMA, remedy="delete it and run again")
        return rows.assign(batch=self.batch.name)


def _read_batches(data: Path, sources: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    batches = list_batches(data)
    if not batches:
        raise DataError(
            f"{data}/: missing or empty; fetch the sample with `dvc pull -r sample data.dvc`, draw it with "
            "`unmask sample`, or take in your own pictures with `unmask ingest PATH`"
        )
    index = pd.concat([read_index(batch) for batch in batches], ignore_index=True)
    quarantine = pd.concat([_quarantined(batch) for batch in batches], ignore_index=True)
    if not sources:
        return index, quarantine
    unknown = sorted(set(sources) - set(index["source"]))
    if unknown:
        known = ", ".join(sorted(index["source"].unique()))
        raise ConfigError(f"assemble.sources: {data}/ holds no source {', '.join(unknown)}; it holds {known}")
    kept = index[index["source"].isin(sources)].reset_index(drop=True)
    return kept, quarantine[quarantine["source"].isin([*sources, ""])]


def _quarantined(batch: Batch) -> pd.DataFrame:
    return read_quarantine(batch).assign(batch=batch.name)


def _shards(data: Path, index: pd.DataFrame, settings: CropSettings) -> Iterator[_Shard]:
    shard_of = index["key"].str.rpartition("/")[0]
    for (batch, name), rows in index.groupby([index["batch"], shard_of], sort=False):
        folder = data / str(batch)
        open_shard(folder / str(name)).close()
        jobs = [
            Job(folder, key, mask_key, landmarks, label == "fake")
            for key, mask_key, landmarks, label in zip(
                rows["key"], rows["mask_key"], rows["landmarks"], rows["label"], strict=True
            )
        ]
        yield _Shard(folder, jobs, _cache_key(folder / str(name), jobs, settings))


def _cache_key(shard: Path, jobs: list[Job], settings: CropSettings) -> str:
    digest = hashlib.sha256(
        json.dumps([code_digest(CropMaker.__module__), sha256_of(shard), asdict(settings)]).encode()
    )
    for job in jobs:
        digest.update(f"{job.key}\n{job.mask_key}\n{job.forged}\n".encode())
        digest.update(b"" if job.landmarks is None else job.landmarks.tobytes())
    return digest.hexdigest()[:16]


def _remove_stale(out: Path, wanted: set[str]) -> None:
    for path in [*out.glob("crops-*.zip"), *out.glob("rows-*.parquet")]:
        if path.stem.partition("-")[2] not in wanted:
            path.unlink()
    for unfinished in out.glob(".*.tmp"):
        unfinished.unlink()


def _is_done(out: Path, shard: _Shard) -> bool:
    try:
        rows = shard.read_rows(out)
        with open_shard(shard.crops(out)) as crops:
            held = set(crops.namelist())
    except DataError:
        return False
    keys = [*rows["crop_key"].dropna(), *rows["crop_mask_key"].dropna()]
    return (
        set(rows["index_key"]) == {job.key for job in shard.jobs} and {key.rpartition("/")[2] for key in keys} <= held
    )


def _make_crops(shards: list[_Shard], out: Path, settings: CropSettings, *, workers: Workers) -> None:
    chunks = [(shard, jobs) for shard in shards for jobs in _chunks(shard.jobs)]
    with process_pool(workers, len(chunks)) as pool:
        made = ordered_map(pool, CropMaker(settings), (jobs for _, jobs in chunks), ahead=workers.ahead)
        each = ((shard, crops) for (shard, _), of_jobs in zip(chunks, made, strict=True) for crops in of_jobs)
        progress = track(each, "cropping", total=sum(len(shard.jobs) for shard in shards))
        by_name = {shard.name: shard for shard in shards}
        for name, crops_of in groupby(progress, key=lambda item: item[0].name):
            _write_crops(out, by_name[name], (crop for _, crops in crops_of for crop in crops))


def _chunks(jobs: list[Job]) -> Iterator[list[Job]]:
    """Some pictures, or one clip, at a time: a clip alone gives many crops."""
    for moving, alike in groupby(jobs, key=lambda job: is_clip(job.key)):
        run = list(alike)
        size = 1 if moving else _CHUNK
        yield from (run[start : start + size] for start in range(0, len(run), size))


def _write_crops(out: Path, shard: _Shard, crops: Iterator[Crop]) -> None:
    rows = []
    path = shard.crops(out)
    with ShardWriter(path) as writer:
        for crop in crops:
            row = {"index_key": crop.key, "reason": crop.reason, **crop.row}
            if not crop.reason:
                row |= _store(writer, crop, path.name)
            rows.append(row)
    table = pd.DataFrame(rows, columns=ROWS_SCHEMA.names)
    write_typed(shard.rows(out), table, ROWS_SCHEMA)


def _store(writer: ShardWriter, crop: Crop, shard: str) -> dict[str, str]:
    members = {"crop_key": (f"{crop.row['image_id']}.png", crop.png)}
    if crop.mask_png:
        members["crop_mask_key"] = (f"{crop.row['image_id']}.mask.png", crop.mask_png)
    for member, data in members.values():
        if member not in writer:
            writer.write(member, data)
    return {name: f"{shard}/{member}" for name, (member, _) in members.items()}
