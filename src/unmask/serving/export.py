"""From a trained detector to model.onnx, and the proof that both say the same. Only the package stage imports this."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from torch import nn

from unmask.errors import UnmaskError
from unmask.models.detector import Detector
from unmask.serving.bundle import OUTPUTS

MAX_DIFFERENCE = 1e-4  # of a value up to 1, and of a larger one relative to it: float32 has seven digits of either
Crops = npt.NDArray[np.uint8]


def export_onnx(model: nn.Module, path: Path, *, size_px: int) -> None:
    """Write MODEL, uint8 (N, size, size, 3) -> the tensors named in OUTPUTS, as one ONNX file for any batch size.

    What names this machine (stack traces, module paths) is left out, so equal models give equal bytes.
    """
    example = torch.zeros((2, size_px, size_px, 3), dtype=torch.uint8)
    with quiet():
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


def torch_outputs(detector: Detector, crops: Crops) -> dict[str, npt.NDArray[np.float64]]:
    """What a detector itself says of crops uint8 (N, size, size, 3), by the names of OUTPUTS."""
    pictures = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        said = detector.eval()(pictures)._asdict() | {"map": detector.activation_map(pictures)}
    return {name: said[name].double().numpy() for name in OUTPUTS}


def onnx_logits(path: Path, batches: Iterable[Crops]) -> npt.NDArray[np.float64]:
    """Logits (N,) of an ONNX detector over batches of crops uint8 (B, size, size, 3), on the processor."""
    session = _open(path)
    logits: npt.NDArray[np.float64] = np.concatenate(
        [session.run(["logit"], {"image": crops})[0].astype(np.float64) for crops in batches]
    )
    return logits


def check_same(detector: Detector, path: Path, crops: Crops) -> float:
    """Largest difference of any output between a detector and its ONNX file over CROPS (N, size, size, 3).

    A difference counts as it is up to values of 1 and relative to the value above.

    Raises:
        UnmaskError: it is above MAX_DIFFERENCE, or not a number; the message names the output.
    """
    wanted = torch_outputs(detector, crops)
    found = dict(zip(OUTPUTS, _open(path).run(list(OUTPUTS), {"image": crops}), strict=True))
    worst = 0.0
    for name in OUTPUTS:
        apart = np.abs(found[name] - wanted[name]) / np.maximum(1.0, np.abs(wanted[name]))
        if not float(apart.max()) <= MAX_DIFFERENCE:
            raise UnmaskError(
                f"{path.name}: its {name} differs from torch's by {apart.max():.2g}, above {MAX_DIFFERENCE:g} "
                "(relative above 1); report the encoder's name and the versions of torch and onnxruntime"
            )
        worst = max(worst, float(apart.max()))
    return worst


def _open(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])


def _strip(model: onnx.ModelProto) -> None:
    graph = model.graph
    functions = list(model.functions)
    nodes = [node for owner in (graph, *functions) for node in owner.node]
    for item in (model, graph, *functions, *nodes, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        item.ClearField("metadata_props")
        item.ClearField("doc_string")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep an exporter's progress, warnings and log lines off the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
