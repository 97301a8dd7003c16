"""The pictures that are asked about: JPEGs of 224 to 512 px, the same bytes for every side."""

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from unmask.data.manifest import read_manifest
from unmask.data.opening import FORMATS
from unmask.data.shards import ShardReader
from unmask.errors import DataError
from unmask.serving.build import draw_pictures

SIDES_PX = (224, 288, 320, 384, 448, 512)
QUALITY = 90


def write_pictures(target: Path, *, count: int, source: Path | None, dataset: Path) -> list[Path]:
    """Write COUNT square JPEGs to TARGET, their sides in turn those of SIDES_PX.

    They are made of the pictures in SOURCE, else of the crops in DATASET, else drawn; fewer than COUNT are repeated.

    Raises:
        DataError: SOURCE holds no picture.
    """
    if source:
        found = list(islice(_pictures_in(source), count))
        if not found:
            raise DataError(f"{source}: holds no picture")
    elif (dataset / "manifest.parquet").is_file():
        found = _crops_of(dataset, count)
    else:
        found = draw_pictures(count, smallest=SIDES_PX[0], largest=SIDES_PX[-1], seed=0)
    paths = []
    for number in range(count):
        side = SIDES_PX[number % len(SIDES_PX)]
        picture = _square(found[number % len(found)]).resize((side, side), Image.Resampling.BICUBIC)
        paths.append(target / f"{number:04}.jpg")
        picture.save(paths[-1], quality=QUALITY)
    return paths


def _pictures_in(folder: Path) -> Iterator[Image.Image]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"}:
            with Image.open(path, formats=FORMATS) as picture:
                yield picture.convert("RGB")


def _crops_of(dataset: Path, count: int) -> list[Image.Image]:
    keys = read_manifest(dataset / "manifest.parquet", columns=["image_id", "key"]).sort_values("image_id")["key"]
    reader = ShardReader(dataset)
    chosen = keys.iloc[np.linspace(0, len(keys) - 1, count).astype(int)]
    return [Image.open(io.BytesIO(reader.read(key))).convert("RGB") for key in chosen]


def _square(picture: Image.Image) -> Image.Image:
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))
