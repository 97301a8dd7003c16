"""Drawn faces with known landmarks, and a small data set of them on disk."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageFilter

from tests.datasets import row
from unmask.config import Expand, load_config
from unmask.data.manifest import write_manifest
from unmask.data.merge import QUARANTINE_SCHEMA
from unmask.data.quality import content_id, perceptual_hash
from unmask.data.shards import ShardWriter
from unmask.data.tables import empty_frame, write_typed

ELLIPSES = {  # first and last index, centre, radii, first and last angle in degrees, in a unit square
    "jaw": (0, 16, (0.5, 0.45), (0.34, 0.45), 180, 0),
    "right brow": (17, 21, (0.34, 0.33), (0.11, 0.05), 180, 360),
    "left brow": (22, 26, (0.66, 0.33), (0.11, 0.05), 180, 360),
    "nose bridge": (27, 30, (0.5, 0.48), (0.0, 0.08), 270, 450),
    "nose tip": (31, 35, (0.5, 0.57), (0.08, 0.03), 180, 0),
    "right eye": (36, 41, (0.35, 0.42), (0.07, 0.03), 180, 480),
    "left eye": (42, 47, (0.65, 0.42), (0.07, 0.03), 180, 480),
    "outer lip": (48, 59, (0.5, 0.71), (0.14, 0.06), 180, 510),
    "inner lip": (60, 67, (0.5, 0.71), (0.10, 0.02), 180, 495),
}


def face_points(size: int) -> np.ndarray:
    """68 iBUG points (68, 2) of an upright face that fills a square of SIZE px."""
    points = np.zeros((68, 2))
    for first, last, centre, radii, start, end in ELLIPSES.values():
        angle = np.deg2rad(np.linspace(start, end, last - first + 1))
        unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        points[first : last + 1] = size * (np.array(centre) + np.array(radii) * unit)
    return points


def draw_face(seed: int, size: int) -> np.ndarray:
    """A textured picture (size, size, 3) in skin colours, different for every seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 200, (9, 9, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32)
    grainy = np.clip(smooth + rng.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)
    return np.asarray(Image.fromarray(grainy).filter(ImageFilter.GaussianBlur(0.5)))


Draw = Callable[[int, int], np.ndarray]


def write_faces(dataset: Path, plans: list[dict], size: int = 64, draw: Draw = draw_face) -> pd.DataFrame:
    """Write a data set of faces, by DRAW from number and size: one row a plan (label, split and any other column)."""
    rows, landmarks = [], face_points(size).astype(np.float32).ravel()
    with ShardWriter(dataset / "crops-a.zip") as shard:
        for index, plan in enumerate(plans):
            image = Image.fromarray(draw(index, size))
            coded, image_id = io.BytesIO(), content_id(image)
            image.save(coded, "PNG")
            shard.write(f"{image_id}.png", coded.getvalue())
            basic = row(index, label=plan["label"], split=plan["split"], labelled=plan["labelled"])
            own = {
                "image_id": image_id,
                "raw_sha256": image_id,
                "key": f"crops-a.zip/{image_id}.png",
                "phash": perceptual_hash(image),
            }
            sized = {"width": size, "height": size, "landmarks": landmarks, "group": f"g{index}"}
            rows.append({**basic, **own, **sized, **plan})
    frame = pd.DataFrame(rows)
    write_manifest(dataset / "manifest.parquet", frame)
    write_typed(dataset / "quarantine.parquet", empty_frame(QUARANTINE_SCHEMA), QUARANTINE_SCHEMA)
    return frame


def expand_settings(**changed: object) -> Expand:
    """The project's settings of expand, but for those CHANGED."""
    return replace(load_config(Path(__file__).parents[1]).expand, **changed)


def plans(reals: int, fakes: int, split: str, *, labelled: bool = True) -> list[dict]:
    """REALS and FAKES rows of one split."""
    common = {"split": split, "labelled": labelled}
    return [{"label": "real", **common}] * reals + [{"label": "fake", **common}] * fakes
