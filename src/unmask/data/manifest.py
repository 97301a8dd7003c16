"""The manifest: one row a crop, its schema in this one place."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from unmask.data.tables import read_typed, write_typed
from unmask.errors import DataError

SAMPLE_SOURCE = "sample"  # the drawn data that ships with the project
FEEDBACK_SOURCE = "feedback"  # pictures that users labelled; assemble.source_shares names it, too
LABELS = ("real", "fake", "unlabelled")
UNKNOWN_DOMAIN = "unknown"
SPLITS = ("train", "val", "test", "excluded")
LANDMARK_VALUES = 136


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


MANIFEST_SCHEMA = pa.schema(
    [
        _required("image_id", pa.string()),  # 16 hex of the SHA-256 of the crop's size and pixels
        _required("key", pa.string()),  # crops-<key>.zip/<image_id>.png, below the manifest's folder
        _required("raw_sha256", pa.string()),  # of the original file's bytes
        _required("batch", pa.string()),
        _required("source", pa.string()),
        _required("label", pa.string()),
        _required("generator", pa.string()),  # camera for reals, "" where unlabelled
        _required("first_seen", pa.string()),  # ISO date
        _required("clip", pa.string()),  # "" for pictures
        _required("group", pa.string()),  # the unit of every split
        _required("split", pa.string()),
        _required("labelled", pa.bool_()),  # may the trainer see the label
        _required("domain", pa.string()),
        _required("attributes", pa.string()),  # JSON object
        _required("attribute_mask", pa.string()),  # JSON list of the names that are known
        _required("forged_from", pa.string()),  # image_id of the real it was made from, or ""
        _required("mask_key", pa.string()),  # where its mask is (255 = altered), or ""
        _required("frame", pa.int32()),  # of a clip, from 0
        _required("frame_time_s", pa.float64()),
        _required("face", pa.int32()),  # in its picture or frame, from left to right
        pa.field("crop_box", pa.list_(pa.float32())),  # x0, y0, x1, y1 in the upright original, null where all of it
        _required("width", pa.int32()),  # of the crop, px
        _required("height", pa.int32()),
        _required("picture_width", pa.int32()),  # of the upright original, px
        _required("picture_height", pa.int32()),
        _required("format", pa.string()),  # of the original; of a clip its codec
        _required("mode", pa.string()),  # pixels that the original stores (L, P, RGB, I;16, CMYK, ...), "" of a clip
        _required("jpeg_quality", pa.int32()),  # of the original, 1..100, -1 unknown
        _required("quantisation", pa.string()),  # 8 hex of its quantisation tables, "" without
        _required("subsampling", pa.string()),  # of its colour (4:2:0, ...), "" unknown
        _required("profile", pa.string()),  # name of its colour profile, "" without
        _required("bytes", pa.int64()),  # of the original
        _required("sharpness", pa.float64()),  # variance of the Laplacian of the 8-bit luma
        _required("brightness", pa.float64()),  # mean luma, 0..1
        pa.field("face_score", pa.float64()),  # of the detector, 0..1; 0 none found, null not looked for
        pa.field("landmarks", pa.list_(pa.float32())),  # 68 iBUG points x, y in crop pixels, or null
        _required("phash", pa.string()),  # 16 hex; of the content where a crop is too flat for a perceptual hash
    ]
)
MANIFEST_COLUMNS: tuple[str, ...] = tuple(MANIFEST_SCHEMA.names)
# What a crop is that nobody cut out of anything, and whose file tells nothing of its history.
_WHOLE = {"face": 0, "crop_box": None, "mode": "", "quantisation": "", "subsampling": "", "profile": ""}


def write_manifest(path: Path, frame: pd.DataFrame) -> None:
    """Write a manifest; where columns of the original are absent, the crop counts as all of it.

    Raises:
        DataError: a column is missing, or a row breaks the schema.
    """
    full = frame.copy(deep=False)
    for name, stand_in in (("picture_width", "width"), ("picture_height", "height")):
        if name not in full.columns and stand_in in full.columns:
            full[name] = full[stand_in]
    for name, value in _WHOLE.items():
        if name not in full.columns:
            full[name] = pd.Series([value] * len(full), index=full.index)
    _check(path, full)
    write_typed(path, full, MANIFEST_SCHEMA)


def read_manifest(path: Path, columns: Iterable[str] | None = None) -> pd.DataFrame:
    """Read a manifest, or some of its columns; landmarks are float32 arrays of 136 or None.

    Raises:
        DataError: the file is missing or damaged, lacks a column, or a row breaks the schema.
    """
    frame = read_typed(path, MANIFEST_SCHEMA, columns, remedy="run the stage that writes it (`dvc repro`)")
    _check(path, frame)
    return frame


def _check(path: Path, frame: pd.DataFrame) -> None:
    for column, allowed in (("label", LABELS), ("split", SPLITS)):
        if column in frame.columns:
            odd = frame[~frame[column].isin(allowed)]
            if len(odd):
                found = odd[column].iloc[0]
                raise DataError(f"{path}: row {odd.index[0]}: {column} is {found!r}, not one of {', '.join(allowed)}")
    if "image_id" in frame.columns and frame["image_id"].duplicated().any():
        twice = frame.loc[frame["image_id"].duplicated(), "image_id"].iloc[0]
        raise DataError(f"{path}: image_id {twice} stands twice")
    if {"label", "labelled"} <= set(frame.columns):
        odd = frame[(frame["label"] == "unlabelled") & frame["labelled"].astype(bool)]
        if len(odd):
            raise DataError(f"{path}: row {odd.index[0]}: unlabelled, yet its label counts as visible")
    if "landmarks" in frame.columns:
        lengths = frame["landmarks"].dropna().map(len)
        if (lengths != LANDMARK_VALUES).any():
            odd_row = lengths.index[lengths != LANDMARK_VALUES][0]
            raise DataError(f"{path}: row {odd_row}: landmarks are {lengths[odd_row]} numbers, not {LANDMARK_VALUES}")
