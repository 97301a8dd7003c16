"""One side of the loader's comparison: python -m benchmarks.data.loader <ours|torchvision> FOLDER EPOCHS.

Prints as JSON the seconds until the first batch could be drawn (set-up) and those of each epoch.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from unmask.config import Scale, load_config
from unmask.data.manifest import read_manifest
from unmask.data.preprocess import PreprocessSpec

_BATCH = 64
_WORKERS = 2


def main(side: str, folder: Path, epochs: int) -> None:
    """Draw every crop once an epoch in batches of 64, shuffled, and print what it cost."""
    config = load_config(Path.cwd())
    settings = config.preprocess
    spec = PreprocessSpec(settings.size_px, settings.window_px, settings.shrink)
    start = time.perf_counter()
    epoch = _ours(folder, spec, config.scale) if side == "ours" else _torchvision(folder, spec)
    seconds = [time.perf_counter() - start]
    rows = []
    for _ in range(epochs):
        start = time.perf_counter()
        rows.append(epoch())
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"seconds": seconds, "rows": rows}))


def _ours(folder: Path, spec: PreprocessSpec, scale: Scale) -> Callable[[], int]:
    from unmask.data.loading import load_crops

    rows = read_manifest(folder / "dataset/manifest.parquet")
    rows = rows.assign(root=str(folder / "dataset"), label="unlabelled", reported=False)
    crops = load_crops(rows, folder / "labels.parquet", spec, "crops", memory_gb=scale.crop_memory_gb)

    def epoch() -> int:
        order = torch.randperm(len(crops))
        return sum(len(crops.windows[chosen]) for chosen in order.split(_BATCH))

    return epoch


def _torchvision(folder: Path, spec: PreprocessSpec) -> Callable[[], int]:
    from torch.utils.data import DataLoader
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import CenterCrop, Compose, PILToTensor

    images = ImageFolder(folder / "loose", Compose([CenterCrop(spec.window_px), PILToTensor()]))
    batches = DataLoader(images, _BATCH, shuffle=True, num_workers=_WORKERS, persistent_workers=True)

    def epoch() -> int:
        return sum(len(pixels) for pixels, _ in batches)

    return epoch


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
