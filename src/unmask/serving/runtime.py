"""Answers from a bundle: ONNX Runtime, NumPy and Pillow, no torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf, RuntimeException
from PIL import Image

from unmask.data.preprocess import Pixels, PreprocessSpec, crop, shrink_to
from unmask.errors import DataError
from unmask.labels.explanation import best_altered_state, explain
from unmask.labels.graph import graph_by_name
from unmask.serving.bundle import MODEL, OUTPUTS, Preprocessing, load_bundle
from unmask.serving.verdict import Verdict, calibrate, verdict

Floats = npt.NDArray[np.float32]
BATCH = 64  # crops a run; more only costs memory
LOGIT_TOLERANCE = 0.02  # another processor rounds differently; a wrong model is off by far more


@dataclass(frozen=True)
class Answer:
    """What the model says about one picture; `attributes` are marginal probabilities by label name."""

    p_fake: float
    logit: float
    verdict: Verdict
    attributes: dict[str, float]
    sentence: str
    embedding: Floats


class Runtime:
    """A loaded bundle.

    Args:
        folder: the bundle.
        threads: threads of one inference; 0 leaves it to ONNX Runtime (all cores).

    Raises:
        DataError: the bundle is damaged, its model does not fit its description, or a self-test score differs.
    """

    def __init__(self, folder: Path, *, threads: int = 0) -> None:
        self.folder, self.bundle = folder, load_bundle(folder)
        named = self.bundle.graph
        self._graph = graph_by_name(named.name, allow_bare_root=named.allow_bare_root)
        if list(self._graph.names) != named.labels:
            raise DataError(f"{folder}: label graph {named.name} has other labels than the model; package it again")
        self._session = _open(folder / MODEL, threads)
        self._check_shapes(folder)
        self._check_scores(folder)

    @property
    def provider(self) -> str:
        """Where inference runs, as ONNX Runtime names it."""
        return str(self._session.get_providers()[0])

    def predict(self, pictures: Sequence[Image.Image]) -> list[Answer]:
        """Answer for each RGB picture, in order."""
        answers: list[Answer] = []
        for start in range(0, len(pictures), BATCH):
            crops = np.stack([self.prepare(picture) for picture in pictures[start : start + BATCH]])
            answers += self.predict_crops(crops)
        return answers

    def prepare(self, picture: Image.Image) -> Pixels:
        """The crop the network sees, uint8 (size, size, 3).

        Raises:
            DataError: the picture is smaller than any the model was trained on.
        """
        return prepare(picture, self.bundle.preprocessing)

    def reduce(self, picture: Image.Image) -> Image.Image:
        """The picture as assemble stores it, its longer side at most `max_side_px`.

        Raises:
            DataError: the picture is smaller than any the model was trained on.
        """
        return reduce(picture, self.bundle.preprocessing)

    def crop(self, reduced: Image.Image) -> Pixels:
        """The crop that the network sees of a reduced picture, uint8 (size, size, 3)."""
        return cut(reduced, self.bundle.preprocessing)

    def predict_crops(self, crops: Pixels) -> list[Answer]:
        """Answer for each crop of a batch, uint8 (N, size, size, 3)."""
        rows = self._session.run(["logit", "scores", "marginals", "embedding"], {"image": crops})
        return [self._answer(float(row[0]), *row[1:]) for row in zip(*rows, strict=True)]

    def explain_crops(self, crops: Pixels) -> list[tuple[Answer, Floats]]:
        """As predict_crops, each answer with its activation map: float32 (h, w), log-odds of fake of each place.

        Class activation mapping: each place of the network's last features, weighted as the whole is, judged as if it
        filled the picture. It shows what the score rests on and proves nothing about where a picture was altered.
        """
        rows = self._session.run(["logit", "scores", "marginals", "embedding", "map"], {"image": crops})
        return [(self._answer(float(row[0]), *row[1:4]), row[4]) for row in zip(*rows, strict=True)]

    def _answer(self, logit: float, scores: Floats, marginals: Floats, embedding: Floats) -> Answer:
        calibration = self.bundle.calibration
        p_fake = calibrate(logit, calibration.temperature)
        said = verdict(p_fake, calibration.thresholds)
        state = best_altered_state(scores, self._graph)
        return Answer(
            p_fake=p_fake,
            logit=logit,
            verdict=said,
            attributes={name: float(value) for name, value in zip(self._graph.names, marginals, strict=True)},
            sentence=explain(verdict=said, state=state, marginals=marginals, graph=self._graph, p_fake=p_fake),
            embedding=embedding,
        )

    def _check_shapes(self, folder: Path) -> None:
        size, labels = self.bundle.preprocessing.size_px, len(self.bundle.graph.labels)
        image = self._session.get_inputs()[0]
        if image.name != "image" or image.type != "tensor(uint8)" or image.shape[1:] != [size, size, 3]:
            taken = f"{image.name}, {image.type}, {image.shape}"
            raise DataError(f"{folder / MODEL}: takes {taken} instead of uint8 crops of {size} px; package it again")
        outputs = {output.name: output.shape for output in self._session.get_outputs()}
        missing = [name for name in OUTPUTS if name not in outputs]
        if missing or outputs["marginals"][1:] != [labels]:
            raise DataError(f"{folder / MODEL}: outputs {sorted(outputs)} do not fit the bundle's {labels} labels")

    def _check_scores(self, folder: Path) -> None:
        for number, test in enumerate(self.bundle.self_test, start=1):
            which = f"{folder}: self-test picture {number}"
            try:
                logit = self.predict([test.picture()])[0].logit
            except DataError as error:
                raise DataError(f"{which}: {error}; package the model again") from None
            if not abs(logit - test.logit) <= LOGIT_TOLERANCE * max(1.0, abs(test.logit)):
                said = f"scores {logit:.4f} here and scored {test.logit:.4f} when packaged"
                raise DataError(f"{which} {said}; this machine can't serve the model")


def prepare(picture: Image.Image, settings: Preprocessing) -> Pixels:
    """From an upright RGB picture to the network's crop, as assemble and training did it: uint8 (size, size, 3).

    Raises:
        DataError: the picture is smaller than any that training saw.
    """
    return cut(reduce(picture, settings), settings)


def reduce(picture: Image.Image, settings: Preprocessing) -> Image.Image:
    """An upright RGB picture as assemble stores it.

    Raises:
        DataError: the picture is smaller than any that training saw.
    """
    width, height = picture.size
    if min(width, height) < settings.min_side_px:
        raise DataError(f"shorter side under {settings.min_side_px} px ({width} x {height})")
    return shrink_to(picture, settings.max_side_px)


def cut(reduced: Image.Image, settings: Preprocessing) -> Pixels:
    """The network's crop of a reduced picture, as training cut it: uint8 (size, size, 3)."""
    return crop(reduced, PreprocessSpec(settings.size_px, settings.window_px, settings.shrink))


def _open(model: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # warnings about providers that are not there say nothing to a user
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the cores to others
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    present = set(onnxruntime.get_available_providers())
    providers = [name for name in wanted if name in present]
    try:
        return onnxruntime.InferenceSession(str(model), sess_options=options, providers=providers)
    except (Fail, InvalidGraph, InvalidProtobuf, RuntimeException) as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"{model}: ONNX Runtime can't open it ({reason})") from None
