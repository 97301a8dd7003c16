"""From a float ONNX detector to int8 weights and activations. Only the package stage imports this."""

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from unmask.serving.export import Crops, quiet

WEIGHTED = ("Conv", "Gemm", "MatMul")
GLUE = ("Add", "AveragePool", "MaxPool")  # between weighted layers; in float they would cost a conversion each way


def quantise(model: Path, target: Path, batches: Iterable[Crops]) -> None:
    """Write MODEL to TARGET with its encoder in int8, ranges taken from BATCHES of crops uint8 (N, size, size, 3).

    Post-training static quantisation (Jacob et al. 2018, arXiv 1712.05877): weights a scale per channel, activations
    one per tensor, as QDQ nodes. Weights take 7 bits, because processors without VNNI overflow on sums of 8-bit
    products. The fixed front, whose differences int8 would drown, and all behind the embedding stay in float.
    """
    # The calibrator writes a model of its own beside the one it reads, and reports on the root logger.
    with tempfile.TemporaryDirectory(prefix="unmask-int8-") as folder, quiet():
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(model), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(target),
            _Reader(iter(batches)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            op_types_to_quantize=[*WEIGHTED, *GLUE],
            nodes_to_quantize=encoder_nodes(onnx.load(prepared)),
        )


def encoder_nodes(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that become int8: the encoder's layers with learned weights and what joins them."""
    graph = model.graph
    made_by = {name: node for node in graph.node for name in node.output}
    matrices = {tensor.name for tensor in graph.initializer if len(tensor.dims) > 1}
    waiting, above = ["embedding"], set()
    while waiting:
        node = made_by.get(waiting.pop())
        if node is not None and node.name not in above:
            above.add(node.name)
            waiting += node.input
    chosen: list[str] = []
    deep: set[str] = set()  # tensors that a weighted layer has touched
    for node in graph.node:
        learned = node.op_type in WEIGHTED and any(name in matrices for name in node.input)
        if learned or deep.intersection(node.input):
            deep.update(node.output)
            if node.name in above and (learned or node.op_type in GLUE):
                chosen.append(node.name)
    return chosen


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, batches: Iterator[Crops]) -> None:
        self._batches = batches

    def get_next(self) -> dict[str, Any] | None:
        crops = next(self._batches, None)
        return None if crops is None else {"image": crops}
