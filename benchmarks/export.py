"""Size and latency of the packaged student in int8 against float32, and of ONNX Runtime against torch, on one thread.

python -m benchmarks.export  after `dvc repro`; some seconds
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime
import torch

from benchmarks.data.table import Row, as_markdown
from unmask.data.manifest import read_manifest
from unmask.evaluation.predict import as_pictures, spec_of
from unmask.models.detector import load_detector
from unmask.models.export import ExportModule
from unmask.serving.export import Crops, export_onnx
from unmask.serving.precision import RANGE_CROPS, crops_of
from unmask.serving.quantise import quantise

BUILD = Path("build")
REPEATS = 50


def main() -> None:
    """Print one table of ratios; nothing here is a test."""
    torch.set_num_threads(1)
    detector = load_detector(BUILD / "student").eval()
    rows = read_manifest(BUILD / "dataset/manifest.parquet", columns=["key", "split"])
    keys = rows[rows["split"] == "train"]["key"].head(RANGE_CROPS).tolist()
    batches = list(crops_of(keys, BUILD / "dataset", spec_of(detector), workers=1))
    with tempfile.TemporaryDirectory(prefix="unmask-bench-") as folder:
        paths = {name: Path(folder) / f"{name}.onnx" for name in ("float32", "int8")}
        export_onnx(ExportModule(detector), paths["float32"], size_px=spec_of(detector).size_px)
        quantise(paths["float32"], paths["int8"], batches)
        size = {name: path.stat().st_size / 1e6 for name, path in paths.items()}
        sides = {name: onnx_side(path) for name, path in paths.items()}

    def torch_side(crops: Crops) -> object:
        with torch.inference_mode():
            return detector(as_pictures(crops, torch.device("cpu"))).logit

    table = [ratio("size, int8 / float32", size["int8"], size["float32"], "MB")]
    for crops in (batches[0][:1], batches[0]):
        ms = alternating({**sides, "torch": torch_side}, crops)
        for ours, peer in (("int8", "float32"), ("float32", "torch")):
            table.append(ratio(f"latency of {len(crops)}, {ours} / {peer}", ms[ours], ms[peer], "ms"))
    print(as_markdown(table))


def onnx_side(path: Path) -> Callable[[Crops], object]:
    """One thread of ONNX Runtime on the processor, as a function of crops."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
    return lambda crops: session.run(["logit"], {"image": crops})


def alternating(sides: dict[str, Callable[[Crops], object]], crops: Crops) -> dict[str, float]:
    """Median milliseconds of each side, the sides in turn after one run to warm up."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(1 + max(3, REPEATS // len(crops))):
        for name, side in sides.items():
            start = time.perf_counter()
            side(crops)
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: float(np.round(median(values[1:]), 3)) for name, values in times.items()}


def ratio(what: str, ours: float, peer: float, unit: str) -> Row:
    """A row of the table; less is better."""
    return Row(what, f"{ours:.3g} {unit}", f"{peer:.3g} {unit}", ours / peer, "below 1", "one thread, training crops")


if __name__ == "__main__":
    main()
