"""Pictures to measure with: drawn here, or real ones where UNMASK_REAL_DATA names them."""

import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.data.run import run

_INGEST = [sys.executable, "-c", "from unmask.cli import main; main()", "ingest"]


def real_pictures() -> list[Path]:
    """Face crops below UNMASK_REAL_DATA/faces, none where it is not set."""
    named = os.environ.get("UNMASK_REAL_DATA")
    return sorted(Path(named, "faces/dfdc").rglob("*.jpg")) if named else []


def write_source(folder: Path, count: int, *, side: int, first: int = 0, real: bool = True) -> str:
    """Fill FOLDER/<real|fake>/<generator> with COUNT JPEGs, half of each label; returns what they are.

    FIRST tells one set from the next: pictures of different numbers differ.
    """
    taken = real_pictures()[first : first + count] if real else []
    whole = len(taken) == count
    numbers = range(first, first + count)
    targets = [folder / _place(number) / f"{number:06d}.jpg" for number in numbers]
    for parent in {target.parent for target in targets}:
        parent.mkdir(parents=True, exist_ok=True)
    if whole:
        for path, target in zip(taken, targets, strict=True):
            shutil.copyfile(path, target)
        return "real face crops, 224 px JPEG"
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(partial(_draw, side=side), numbers, targets, chunksize=64))
    return f"drawn textures, {side} px JPEG"


def take_in(folder: Path, source: Path, batch: str) -> None:
    """Ingest SOURCE's parent into FOLDER/data as a batch; FOLDER gets a copy of params.yaml."""
    if not (folder / "params.yaml").exists():
        shutil.copyfile("params.yaml", folder / "params.yaml")
    run([*_INGEST, str(source), "--batch", batch], folder)


def overrides(detector: str) -> list[str]:
    """What the measured runs change of params.yaml."""
    return [
        f"assemble.faces.detector={detector}",
        "assemble.sources=[]",
        "assemble.domain=source",
        "scale.workers=2",
    ]


def assemble_command(detector: str, *more: str) -> list[str]:
    """Assemble the batches of the folder that it is run in, with MORE overrides."""
    return [sys.executable, "-m", "unmask.stages.assemble", *overrides(detector), *more]


def assemble(folder: Path, detector: str, *more: str) -> None:
    """Run it in FOLDER."""
    run(assemble_command(detector, *more), folder)


def _place(number: int) -> str:
    return "real/camera" if number % 2 else "fake/swap"


def _draw(number: int, target: Path, *, side: int) -> None:
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), dtype=np.float32)
    noisy = smooth + rng.normal(0.0, 6.0, (side, side, 1)).astype(np.float32)
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(target, "JPEG", quality=75)
