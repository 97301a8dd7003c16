"""From a trained detector to model.onnx, and the proof that both say the same. Only the package stage imports this."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from torch import nn

from unmask.errors import UnmaskError
from unmask.serving.bundle import OUTPUTS

MAX_DIFFERENCE = 1e-3  # of the logit; rounding is far below it
Crops = npt.NDArray[np.uint8]


def export_onnx(model: nn.Module, path: Path, *, size_px: int) -> None:
    """Write MODEL, uint8 (N, size, size, 3) -> the tensors named in OUTPUTS, as one ONNX file for any batch size.

    What names this machine (stack traces, module paths) is left out, so equal models give equal bytes.
    """
    example = torch.zeros((2, size_px, size_px, 3), dtype=torch.uint8)
    with _quiet():
        program = torch.onnx.export(
            model.eval(),
            (example,),
            input_names=["image"],
            output_names=list(OUTPUTS),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    exported = cast("torch.onnx.ONNXProgram", program).model_proto
    _strip(exported)
    onnx.checker.check_model(exported)
    path.write_bytes(exported.SerializeToString(deterministic=True))


def torch_logits(detector: nn.Module, crops: Crops) -> npt.NDArray[np.float64]:
    """The detector's own logits (N,) of crops uint8 (N, size, size, 3)."""
    pictures = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        logits: npt.NDArray[np.float64] = detector.eval()(pictures).logit.double().numpy()
    return logits


def check_same(detector: nn.Module, path: Path, crops: Crops) -> float:
    """Largest difference of the logit between a detector and its ONNX file over CROPS (N, size, size, 3).

    Raises:
        UnmaskError: it is above MAX_DIFFERENCE, or not a number.
    """
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    difference = float(np.abs(session.run(["logit"], {"image": crops})[0] - torch_logits(detector, crops)).max())
    if not difference <= MAX_DIFFERENCE:
        raise UnmaskError(f"{path.name}: its logits differ from torch's by {difference:.2g}, above {MAX_DIFFERENCE:g}")
    return difference


def _strip(model: onnx.ModelProto) -> None:
    graph = model.graph
    functions = list(model.functions)
    nodes = [node for owner in (graph, *functions) for node in owner.node]
    for item in (model, graph, *functions, *nodes, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        item.ClearField("metadata_props")
        item.ClearField("doc_string")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress, warnings and log lines off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
