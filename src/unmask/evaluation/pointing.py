"""Pointing game: does the activation map's highest place lie in the forged part? Nothing of a picture is kept."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from PIL import Image
from scipy.ndimage import distance_transform_edt

from unmask.console import track
from unmask.data.decode import decode_image, decode_mask
from unmask.data.forging.masks import GIVEN
from unmask.data.preprocess import Pixels, PreprocessSpec, crop
from unmask.data.shards import ShardReader
from unmask.evaluation.predict import BATCH, as_pictures, prefetched, spec_of, target_device
from unmask.models.detector import Detector

Mask = npt.NDArray[np.bool_]
Outcome = Literal["cut off", "everywhere", "played"]
TOLERANCE = 15 / 500  # of the side: 15 px in VOC pictures of 500 px (Zhang et al. 2016)


def play(
    detector: Detector, rows: pd.DataFrame, *, dataset: Path, expanded: Path, device: str, workers: int, what: str
) -> pd.DataFrame:
    """Play the pointing game on fakes with a mask (Zhang et al. 2016, arXiv 1608.00507); one row each, in order.

    ROWS have `key` (below DATASET), `mask_key` and `mask_kind` (a given mask lies below DATASET, others below
    EXPANDED). Columns added: `outcome`, `hit` (the map points into the mask), `share` (of the crop that a hit covers,
    which is what a random place reaches) and `centre` (whether the crop's centre would hit). A row whose mask lies
    outside the crop is `cut off`, one that no place can miss `everywhere`; both have no hit.

    Raises:
        DataError: a shard is damaged, or a crop or a mask does not decode.
    """
    target = target_device(device)
    spec, readers = spec_of(detector), {True: ShardReader(dataset), False: ShardReader(expanded)}
    detector = detector.to(target).eval()

    def load(row: tuple[str, str, str]) -> tuple[Pixels, Mask]:
        key, mask_key, kind = row
        mask = decode_mask(readers[kind == GIVEN].read(mask_key))
        return crop(decode_image(readers[True].read(key)), spec), mask_crop(mask, spec)

    jobs = list(zip(rows["key"], rows["mask_key"], rows["mask_kind"], strict=True))
    played: list[dict[str, Any]] = []
    with ThreadPoolExecutor(max(1, workers)) as pool, torch.inference_mode():
        for batch in track(prefetched(jobs, load, pool), f"{what} points", total=-(-len(jobs) // BATCH)):
            heat = detector.activation_map(as_pictures(np.stack([pixels for pixels, _ in batch]), target))
            played += [judge(one, mask) for one, (_, mask) in zip(heat.cpu().numpy(), batch, strict=True)]
    return rows.assign(**pd.DataFrame(played, index=rows.index, columns=["outcome", "hit", "share", "centre"]))


def mask_crop(mask: Image.Image, spec: PreprocessSpec) -> Mask:
    """A mask of the whole picture as the network's crop shows it: bool (size, size)."""
    return np.asarray(crop(mask, spec)[..., 0] > 127)


def judge(heat: npt.NDArray[np.float32], mask: Mask) -> dict[str, Any]:
    """One round: map (h, w) against mask (size, size), grown by TOLERANCE of the side on all sides.

    The map points to the centre of its highest cell, where an interpolated map has its maximum too.
    """
    size = len(mask)
    if not mask.any():
        return {"outcome": "cut off", "hit": False, "share": 0.0, "centre": False}
    near = np.asarray(distance_transform_edt(~mask) <= round(TOLERANCE * size))
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    place = [math.floor((int(at) + 0.5) * size / side) for at, side in zip((row, column), heat.shape, strict=True)]
    return {
        "outcome": "everywhere" if near.all() else "played",
        "hit": bool(near[place[0], place[1]]),
        "share": float(near.mean()),
        "centre": bool(near[size // 2, size // 2]),
    }


def counted(played: pd.DataFrame, outcomes: Sequence[Outcome]) -> int:
    """How many rows ended in one of the outcomes."""
    return int(played["outcome"].isin(outcomes).sum())
