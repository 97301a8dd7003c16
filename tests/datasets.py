"""Tiny data sets on disk for tests of what reads build/dataset and build/expanded."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from unmask.data.forging.masks import GIVEN, MASKS_SCHEMA
from unmask.data.manifest import MANIFEST_SCHEMA, write_manifest
from unmask.data.shards import ShardWriter
from unmask.data.tables import empty_frame, write_table, write_typed


def row(index: int, *, label: str, split: str, labelled: bool) -> dict:
    """One manifest row; two neighbours share a group."""
    generator = {"real": "camera", "fake": "faceswap", "unlabelled": ""}[label]
    image_id = f"{index:016x}"
    text = dict.fromkeys(("raw_sha256", "first_seen", "clip", "forged_from", "mask_key"), "")
    numbers = {"frame": 0, "frame_time_s": 0.0, "jpeg_quality": 90, "bytes": 900, "sharpness": 1.0, "brightness": 0.5}
    return {
        **text,
        **numbers,
        "image_id": image_id,
        "key": f"crops-a.zip/{image_id}.png",
        "batch": "b1",
        "source": "s",
        "label": label,
        "generator": generator,
        "group": f"g{index // 2}",
        "split": split,
        "labelled": labelled,
        "domain": "indoor" if index % 3 else "sky",
        "attributes": "{}",
        "attribute_mask": "[]",
        "width": 24,
        "height": 24,
        "format": "PNG",
        "face_score": None,
        "landmarks": None,
        "phash": image_id,
    }


Draw = Callable[[int, str], np.ndarray]


def noise(index: int, label: str) -> np.ndarray:
    """Noise that does not depend on the label."""
    return np.random.default_rng(index).integers(0, 256, (24, 24, 3), dtype=np.uint8)


def checkered(index: int, label: str) -> np.ndarray:
    """A smooth picture; in fakes half of it carries a faint checkerboard, as decoders leave it."""
    draw = np.random.default_rng(index)
    ramp = np.linspace(0, 90, 24)[:, None, None] * draw.random(3) + draw.integers(40, 120)
    picture = np.broadcast_to(ramp, (24, 24, 3)) + draw.normal(0, 3, (24, 24, 3))
    if label == "fake":
        picture = picture + 12 * (np.indices((24, 24)).sum(0) % 2)[..., None]
    return picture.clip(0, 255).astype(np.uint8)


def lower_half() -> np.ndarray:
    """The mask of every fake that has one: the lower half of the picture was altered."""
    return np.where(np.arange(24)[:, None] >= 12, 255, 0).repeat(24, axis=1).astype(np.uint8)


def write_dataset(root: Path, rows: list[dict], draw: Draw, n_labels: int = 1) -> tuple[Path, Path]:
    """Write build/dataset and an empty build/expanded with label vectors below ROOT."""
    dataset, expanded = root / "dataset", root / "expanded"
    with ShardWriter(dataset / "crops-a.zip") as shard:
        for index, each in enumerate(rows):
            coded = io.BytesIO()
            Image.fromarray(draw(index, each["label"])).save(coded, "PNG")
            shard.write(f"{each['image_id']}.png", coded.getvalue())
            if each["mask_key"]:
                coded = io.BytesIO()
                Image.fromarray(lower_half()).save(coded, "PNG")
                shard.write(each["mask_key"].rpartition("/")[2], coded.getvalue())
    write_manifest(dataset / "manifest.parquet", pd.DataFrame(rows))
    write_manifest(expanded / "manifest.parquet", empty_frame(MANIFEST_SCHEMA))
    # Vectors of hidden rows too: whoever writes them by mistake must not help the trainer.
    whole = [0, 2, 3, 4, 5, 6, 7, 8, 9]  # a swap: root, identity, physical inconsistency, every region
    vectors = [[int(each["label"] == "fake" and n in whole) for n in range(n_labels)] for each in rows]
    known = [[1] * n_labels] * len(rows)
    labels = {"image_id": [each["image_id"] for each in rows], "target": vectors, "target_mask": known}
    write_table(expanded / "labels.parquet", pd.DataFrame(labels))
    masked = [{"image_id": each["image_id"], "kind": GIVEN, "mask_key": each["mask_key"]} for each in rows]
    masks = pd.DataFrame([each for each in masked if each["mask_key"]], columns=MASKS_SCHEMA.names)
    write_typed(expanded / "masks.parquet", masks, MASKS_SCHEMA)
    return dataset, expanded
