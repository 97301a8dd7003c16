"""The trainer's crops in memory against torchvision's ImageFolder and DataLoader on the same PNG files."""

import json
import sys
from pathlib import Path
from statistics import median

import pandas as pd

from benchmarks.data.pictures import assemble, take_in, write_source
from benchmarks.data.run import run
from benchmarks.data.table import Row
from unmask.data.manifest import read_manifest
from unmask.data.shards import ShardReader

_EPOCHS = 3


def loader(folder: Path, *, count: int, repeats: int) -> list[Row]:
    """Pictures a second in the first epoch and after it, and the peak memory of both."""
    what = write_source(folder / "in/bench", count, side=224)
    take_in(folder, folder / "in", "one")
    assemble(folder, "none")
    (folder / "build/dataset").rename(folder / "dataset")
    rows = _write_loose(folder)
    sides = ("ours", "torchvision")
    seconds: dict[str, list[list[float]]] = {side: [] for side in sides}
    peak = dict.fromkeys(sides, 0.0)
    for repeat in range(repeats + 1):
        for side in sides:
            command = [sys.executable, "-m", "benchmarks.data.loader", side, str(folder), str(_EPOCHS)]
            cost = run(command, Path.cwd(), memory=repeat == repeats)
            peak[side] = max(peak[side], cost.peak_mb)
            if repeat < repeats:
                seconds[side].append(json.loads(cost.output)["seconds"])
    first, after = (
        {side: rows / median(measure(taken) for taken in seconds[side]) for side in sides}
        for measure in (lambda taken: taken[0] + taken[1], lambda taken: median(taken[2:]))
    )
    memory = f"{rows:,} crops of {what}; peak {peak['ours']:.0f} MB, peer {peak['torchvision']:.0f} MB"
    return [
        Row(
            name,
            f"{speed['ours']:.0f} /s",
            f"{speed['torchvision']:.0f} /s",
            speed["ours"] / speed["torchvision"],
            aim,
            memory,
        )
        for name, speed, aim in (
            ("loader / ImageFolder + DataLoader, first epoch", first, "1.0"),
            ("loader / ImageFolder + DataLoader, later epochs", after, "3"),
        )
    ]


def _write_loose(folder: Path) -> int:
    rows = read_manifest(folder / "dataset/manifest.parquet")
    with ShardReader(folder / "dataset") as reader:
        for row in rows.itertuples():
            path = folder / "loose" / str(row.label) / f"{row.image_id}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(reader.read(str(row.key)))
    none = {"image_id": pd.Series(dtype=str), "target": pd.Series(dtype=object), "target_mask": pd.Series(dtype=object)}
    pd.DataFrame(none).to_parquet(folder / "labels.parquet")
    return len(rows)
