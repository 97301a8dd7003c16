"""What the peers and the floor do to a picture: Pillow and the model's own preprocessing, without caps."""

from pathlib import Path
from typing import BinaryIO

import onnxruntime
from PIL import Image, ImageOps

from unmask.serving.bundle import MODEL, Bundle
from unmask.serving.verdict import calibrate


def decoded(file: Path | BinaryIO) -> Image.Image:
    """An upright RGB picture."""
    with Image.open(file) as opened:
        return ImageOps.exif_transpose(opened).convert("RGB")


def probability(logit: float, bundle: Bundle) -> float:
    """A logit as the calibrated probability of a forgery."""
    return calibrate(logit, bundle.calibration.temperature)


def session(folder: Path, *, threads: int = 0) -> onnxruntime.InferenceSession:
    """ONNX Runtime as it comes but for its THREADS in one inference (0: one for each core)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(folder / MODEL), sess_options=options, providers=["CPUExecutionProvider"])
