"""Simple statistics of a crop: what a classifier may reach without looking at the face."""

from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.fft import rfft2
from scipy.ndimage import laplace

from unmask.console import track
from unmask.data.decode import decode_image
from unmask.data.parallel import Workers, ordered_map, process_pool
from unmask.data.shards import ShardReader

SPECTRUM_BINS = 16
COLOUR = tuple(f"{what}_{channel}" for what in ("mean", "std") for channel in "rgb")
PIXEL_FEATURES = (*COLOUR, "log_sharpness", *(f"power_{number:02d}" for number in range(SPECTRUM_BINS)))
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
CHUNK = 64


def radial_spectrum(grey: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean log power of a grey square (n, n) in SPECTRUM_BINS rings of frequency from 0 to 0.5 cycles a pixel."""
    window, ring, count = _rings(grey.shape[0])
    spectrum = rfft2((grey - grey.mean()) * window)
    power = np.log(np.square(np.abs(spectrum)) / grey.size + 1e-3)
    return np.asarray(np.bincount(ring, weights=power.ravel(), minlength=SPECTRUM_BINS + 1)[:-1] / count)


def pixel_features(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """PIXEL_FEATURES of a crop (h, w, 3)."""
    x = pixels.astype(np.float32)
    grey = x @ LUMA
    side = min(grey.shape)
    top, left = (grey.shape[0] - side) // 2, (grey.shape[1] - side) // 2
    sharpness = np.log(laplace(grey).var() + 1e-3)
    spectrum = radial_spectrum(grey[top : top + side, left : left + side])
    flat = x.reshape(-1, 3)
    return np.concatenate([flat.mean(axis=0), flat.std(axis=0), [sharpness], spectrum])


def feature_table(rows: pd.DataFrame, root: Path, *, workers: Workers) -> pd.DataFrame:
    """Features of manifest rows whose crops lie under ROOT, one row each, indexed like ROWS.

    Pixel statistics come from the crop; file size, size and JPEG quality from the original file.
    """
    keys = rows["key"].tolist()
    chunks = [keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK)]
    with process_pool(workers, len(chunks)) as pool:
        work = ordered_map(pool, partial(_features_of, root), chunks, ahead=workers.ahead)
        pixels = list(track(work, "audit", total=len(chunks)))
    table = pd.DataFrame(
        np.concatenate(pixels) if pixels else np.empty((0, len(PIXEL_FEATURES))), rows.index, list(PIXEL_FEATURES)
    )
    width, height = rows["picture_width"].clip(lower=1), rows["picture_height"].clip(lower=1)
    table["log_bytes_per_px"] = np.log(rows["bytes"].clip(lower=1) / (width.astype(float) * height))
    table["log_width"], table["log_height"] = np.log(width), np.log(height)
    table["jpeg_quality"] = rows["jpeg_quality"].astype(float)
    for name in sorted(rows["format"].unique()):
        table[f"format_{name}"] = (rows["format"] == name).astype(float)
    return table


def _features_of(root: Path, keys: list[str]) -> NDArray[np.float64]:
    reader = ShardReader(root)
    return np.stack([pixel_features(np.asarray(decode_image(reader.read(key)))) for key in keys])


@lru_cache(maxsize=8)
def _rings(side: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    hann = np.hanning(side).astype(np.float32)
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    ring = np.minimum((radius / 0.5 * SPECTRUM_BINS).astype(np.int64), SPECTRUM_BINS).ravel()
    count = np.maximum(np.bincount(ring, minlength=SPECTRUM_BINS + 1)[:-1], 1).astype(np.float64)
    return np.outer(hann, hann).astype(np.float32), ring, count
