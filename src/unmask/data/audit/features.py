"""Simple statistics of a crop: what a classifier may reach without looking at the face.

Those of colour noise are apart, because they are what a detector that reads colour residuals sees: in a camera's
picture Cb and Cr carry noise of the sensor, of demosaicing and of chroma subsampling, which forging disturbs.
"""

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
from unmask.errors import DataError
from unmask.ycbcr import CB, CR, LUMA

SPECTRUM_BINS = 16
COLOUR = tuple(f"{what}_{channel}" for what in ("mean", "std") for channel in "rgb")
PIXEL_FEATURES = (*COLOUR, "log_sharpness", *(f"power_{number:02d}" for number in range(SPECTRUM_BINS)))
_LUMA, _CB, _CR = np.array([LUMA, CB, CR], dtype=np.float32)
CHROMA_FEATURES = tuple(
    f"{channel}_{what}"
    for channel in ("cb", "cr")
    for what in ("log_noise", *(f"power_{number:02d}" for number in range(SPECTRUM_BINS)))
)
CHUNK = 64


def radial_spectrum(grey: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean log power of a plane, a square (n, n) in SPECTRUM_BINS rings of frequency from 0 to 0.5 cycles a pixel."""
    window, ring, count = _rings(grey.shape[0])
    spectrum = rfft2((grey - grey.mean()) * window)
    power = np.log(np.square(np.abs(spectrum)) / grey.size + 1e-3)
    return np.asarray(np.bincount(ring, weights=power.ravel(), minlength=SPECTRUM_BINS + 1)[:-1] / count)


def pixel_features(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """PIXEL_FEATURES of a crop (h, w, 3)."""
    x = pixels.astype(np.float32)
    flat = x.reshape(-1, 3)
    return np.concatenate([flat.mean(axis=0), flat.std(axis=0), _noise_and_spectrum(x @ _LUMA)])


def chroma_features(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """CHROMA_FEATURES of a crop (h, w, 3): log variance of the Laplacian and radial spectrum of Cb, then of Cr."""
    x = pixels.astype(np.float32)
    return np.concatenate([_noise_and_spectrum(x @ weights) for weights in (_CB, _CR)])


def _noise_and_spectrum(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    side = min(plane.shape)
    top, left = (plane.shape[0] - side) // 2, (plane.shape[1] - side) // 2
    spectrum = radial_spectrum(plane[top : top + side, left : left + side])
    return np.concatenate([[np.log(laplace(plane).var() + 1e-3)], spectrum])


def feature_tables(rows: pd.DataFrame, root: Path, *, workers: Workers) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features of manifest rows whose crops lie under ROOT, and their chroma features; one row each, indexed like ROWS.

    Pixel statistics come from the crop; file size, size and JPEG quality from the original file.

    Raises:
        DataError: a crop can't be read; the message names it.
    """
    keys = rows["key"].tolist()
    chunks = [keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK)]
    with process_pool(workers, len(chunks)) as pool:
        work = ordered_map(pool, partial(_features_of, root), chunks, ahead=workers.ahead)
        found = list(track(work, "audit", total=len(chunks)))
    names = [*PIXEL_FEATURES, *CHROMA_FEATURES]
    values = np.concatenate(found) if found else np.empty((0, len(names)))
    table = pd.DataFrame(values, rows.index, names)
    plain = table[list(PIXEL_FEATURES)].assign(**_file_features(rows))
    return plain, table[list(CHROMA_FEATURES)]


def _file_features(rows: pd.DataFrame) -> dict[str, pd.Series]:
    width, height = rows["picture_width"].clip(lower=1), rows["picture_height"].clip(lower=1)
    formats = {f"format_{name}": (rows["format"] == name).astype(float) for name in sorted(rows["format"].unique())}
    return {
        "log_bytes_per_px": np.log(rows["bytes"].clip(lower=1) / (width.astype(float) * height)),
        "log_width": np.log(width),
        "log_height": np.log(height),
        "jpeg_quality": rows["jpeg_quality"].astype(float),
        **formats,
    }


def _features_of(root: Path, keys: list[str]) -> NDArray[np.float64]:
    reader = ShardReader(root)
    return np.stack([_features_of_crop(reader, key) for key in keys])


def _features_of_crop(reader: ShardReader, key: str) -> NDArray[np.float64]:
    data = reader.read(key)
    try:
        pixels = np.asarray(decode_image(data))
    except DataError as error:
        raise DataError(f"{reader.root / key}: {error}; restore it with `dvc checkout` or make it again") from error
    return np.concatenate([pixel_features(pixels), chroma_features(pixels)])


@lru_cache(maxsize=8)
def _rings(side: int) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    hann = np.hanning(side).astype(np.float32)
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    ring = np.minimum((radius / 0.5 * SPECTRUM_BINS).astype(np.int64), SPECTRUM_BINS).ravel()
    count = np.maximum(np.bincount(ring, minlength=SPECTRUM_BINS + 1)[:-1], 1).astype(np.float64)
    return np.outer(hann, hann).astype(np.float32), ring, count
