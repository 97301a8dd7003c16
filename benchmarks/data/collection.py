"""A real collection: faces found, pairs that are near-duplicates, and the shortcut before and after normalisation."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.data.pictures import assemble, take_in
from benchmarks.data.table import Row
from unmask.config import load_config
from unmask.data.audit.features import PIXEL_FEATURES, pixel_features
from unmask.data.audit.shortcut import ShortcutRow, shortcut_audit
from unmask.data.batches import list_batches, read_index
from unmask.data.decode import decode_image
from unmask.data.groups import hamming
from unmask.data.manifest import read_manifest
from unmask.data.preprocess import PreprocessSpec, crop
from unmask.data.shards import ShardReader
from unmask.data.tables import read_table

SETTINGS = ("assemble.faces.crop=largest", "assemble.faces.missing=quarantine")
_BITS = (0, 2, 4)
_REFERENCE = "portraits"
Features = Callable[[str], NDArray[np.float64]]


def collection(folder: Path) -> list[Row]:
    """What the pictures below UNMASK_REAL_DATA/faces say; sources without reals are held against the portraits."""
    named = os.environ.get("UNMASK_REAL_DATA")
    if not named:
        return [Row("a real collection", "", "", None, "", "UNMASK_REAL_DATA is not set")]
    take_in(folder, Path(named, "faces"), "one")
    assemble(folder, "mediapipe", *SETTINGS)
    dataset = folder / "build/dataset"
    rows = read_manifest(dataset / "manifest.parquet")
    refused = read_table(dataset / "quarantine.parquet", ["reason"])["reason"]
    return [_faces(rows, refused), *_pairs(rows), *_shortcuts(folder, rows)]


def _faces(rows: pd.DataFrame, refused: pd.Series) -> Row:
    found, without = rows["raw_sha256"].nunique(), int(refused.str.startswith("no face").sum())
    pictures = found + without
    return Row("pictures with a face / pictures", f"{found:,}", f"{pictures:,}", found / pictures, "", "mediapipe")


def _pairs(rows: pd.DataFrame) -> list[Row]:
    fakes = rows[rows["forged_from"] != ""]
    hashes = {image_id: int(text, 16) for image_id, text in zip(rows["image_id"], rows["phash"], strict=True)}
    sides = [
        np.array([hashes[image_id] for image_id in fakes[column]], np.uint64) for column in ("image_id", "forged_from")
    ]
    apart = hamming(*sides)
    return [
        Row(
            f"fakes within {bits} bits of their original / fakes with one",
            f"{int((apart <= bits).sum()):,}",
            f"{len(apart):,}",
            float((apart <= bits).mean()),
            "",
            "perceptual hashes of the face crops, 64 bits",
        )
        for bits in _BITS
    ]


def _shortcuts(folder: Path, rows: pd.DataFrame) -> list[Row]:
    settings = load_config(folder).preprocess
    spec = PreprocessSpec(settings.size_px, settings.window_px, shrink=True)
    index = pd.concat([read_index(batch).assign(batch=batch.name) for batch in list_batches(folder / "data")])
    original = (index["batch"] + "/" + index["key"]).set_axis(index["raw_sha256"])[rows["raw_sha256"]]
    before = _audit(rows, partial(_of_original, folder / "data"), original.tolist(), bytes_too=True)
    after = _audit(rows, partial(_of_crop, folder / "build/dataset", spec), rows["key"].tolist(), bytes_too=False)
    note = f"logistic regression, out of fold by group; ours: pixels of the network's {spec.size_px} px view, shrunk"
    return [
        Row(
            f"shortcut AUC of {new.source}/{new.generator} against {new.reference}, normalised / original file",
            f"{new.auc:.3f}",
            f"{old.auc:.3f}",
            new.auc / old.auc,
            "",
            f"{new.n_real:,} real, {new.n_fake:,} fake; {note}; peer: pixels of the whole picture, and bytes a pixel",
        )
        for new, old in zip(after, before, strict=True)
        if new.auc is not None and old.auc is not None
    ]


def _audit(rows: pd.DataFrame, work: Features, keys: list[str], *, bytes_too: bool) -> list[ShortcutRow]:
    with ProcessPoolExecutor(2) as pool:
        values = np.stack(list(pool.map(work, keys, chunksize=64)))
    features = pd.DataFrame(values, rows.index, list(PIXEL_FEATURES))
    if bytes_too:
        area = rows["picture_width"].astype(float) * rows["picture_height"]
        features = features.assign(log_bytes_per_px=np.log(rows["bytes"] / area))
    # What labelling may be hidden from a trainer says nothing of the data.
    shown = rows.assign(labelled=rows["label"] != "unlabelled")
    return shortcut_audit(shown, features, pd.DataFrame(index=rows.index), reference_source=_REFERENCE)


def _of_original(root: Path, key: str) -> NDArray[np.float64]:
    return pixel_features(np.asarray(decode_image(_reader(root).read(key))))


def _of_crop(root: Path, spec: PreprocessSpec, key: str) -> NDArray[np.float64]:
    return pixel_features(crop(decode_image(_reader(root).read(key)), spec))


@cache
def _reader(root: Path) -> ShardReader:
    return ShardReader(root)
