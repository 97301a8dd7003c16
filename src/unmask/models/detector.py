"""The detector: encoder, head and legal-state marginals; one definition for teacher, student and export."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from unmask.config import Encoder as EncoderSettings
from unmask.config import Labels, Preprocess, TextTower
from unmask.errors import DataError
from unmask.files import read_json, replacing, write_json
from unmask.labels.graph import BINARY, LabelGraph, graph_by_name
from unmask.labels.prompts import prompts
from unmask.models.clip import is_clip_name
from unmask.models.encoders import Encoder, create_encoder
from unmask.models.joint import JointHead, LinearHead
from unmask.models.marginals import StateMarginals, uniform_offset
from unmask.models.text import create_sentence_encoder

Head = Literal["joint", "linear"]

WEIGHTS = "model.safetensors"
DESCRIPTION = "model.json"
CHAMPION = "champion"  # in what is kept beside the specification: the version whose weights training went on from


@dataclass(frozen=True, kw_only=True)
class DetectorSpec:
    """All that is needed to build a detector, but its weights."""

    encoder: EncoderSettings
    head: Head
    labels: Labels
    text: TextTower
    preprocess: Preprocess

    @property
    def graph(self) -> LabelGraph:
        """The label graph that the scores are ordered by."""
        return graph_by_name(self.labels.graph, self.labels.allow_bare_root)

    def to_json(self) -> dict[str, Any]:
        """The spec as plain values."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "DetectorSpec":
        """The spec that `to_json` wrote.

        Raises:
            DataError: a key is missing or unknown.
        """
        try:
            return cls(
                encoder=EncoderSettings(**value["encoder"]),
                head=value["head"],
                labels=Labels(**value["labels"]),
                text=TextTower(**value["text"]),
                preprocess=Preprocess(**value["preprocess"]),
            )
        except (KeyError, TypeError) as error:
            raise DataError(f"not a detector's specification ({error})") from None


def detector_spec(
    *,
    encoder: EncoderSettings,
    head: Head,
    labels: Labels,
    attributes: bool,
    text: TextTower,
    preprocess: Preprocess,
) -> DetectorSpec:
    """Put sections of the config together; without ATTRIBUTES the root is the only label."""
    chosen = labels if attributes else Labels(graph=BINARY.key, allow_bare_root=True)
    return DetectorSpec(encoder=encoder, head=head, labels=chosen, text=text, preprocess=preprocess)


class DetectorOutput(NamedTuple):
    """Shapes: embedding (B, D), scores (B, n), marginals (B, n), log_state (B, S), logit (B,).

    The last three are float64 in training; logit is the log-odds of the root's marginal p_0, the detector's score.
    """

    embedding: Tensor
    scores: Tensor
    marginals: Tensor
    log_state: Tensor
    logit: Tensor


class Detector(nn.Module):
    """Pictures (B, 3, H, W) in [0, 1] -> DetectorOutput."""

    def __init__(self, spec: DetectorSpec, encoder: Encoder, head: JointHead | LinearHead) -> None:
        super().__init__()
        self.spec = spec
        self.graph = spec.graph
        self.encoder = encoder
        self.head = head
        self.states = StateMarginals(self.graph)

    @property
    def embed_dim(self) -> int:
        """Width of the embedding."""
        return self.encoder.embed_dim

    def forward(self, pictures: Tensor) -> DetectorOutput:
        """Embedding, label scores and what the legal states make of them."""
        embedding = self.encoder(pictures)
        scores = self.head(embedding)
        found = self.states(scores)
        return DetectorOutput(embedding, scores, found.marginals, found.log_state, found.logit)

    def activation_map(self, pictures: Tensor) -> Tensor:
        """Where the verdict comes from: the log-odds of fake of each place of the last features, (B, h, w).

        Class activation mapping without gradients (arXiv 1512.04150), of the log-odds instead of one score: each place
        is judged as if it filled the picture. The root's own score is no map of it, because in a softmax over joint
        states the labels below carry the evidence too and the root's share of it is arbitrary.
        """
        weight, bias = self.head.as_linear()
        places = self.encoder.embed_places(self.encoder.features(pictures))
        return self.states.log_odds(places @ weight.T + bias)


def create_detector(spec: DetectorSpec) -> Detector:
    """Build a detector with fresh weights, or those that the spec's `weights` name.

    Raises:
        ConfigError: the encoder, the text tower or the graph does not exist or does not fit.
    """
    encoder = create_encoder(spec.encoder, size_px=spec.preprocess.size_px)
    offset = uniform_offset(spec.graph)
    if spec.head == "linear":
        return Detector(spec, encoder, LinearHead(encoder.embed_dim, len(spec.graph), offset=offset))
    sentences = create_sentence_encoder(spec.text, prompts(spec.graph))
    # Two towers of one CLIP share a space already; the paper projects nothing.
    same_space = is_clip_name(spec.encoder.name) and spec.encoder.name == spec.text.name
    head = JointHead(encoder.embed_dim, sentences, offset=offset, project=not same_space)
    return Detector(spec, encoder, head)


def save_detector(folder: Path, detector: Detector, extra: dict[str, Any]) -> None:
    """Write weights and spec; EXTRA goes into model.json beside it."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in detector.state_dict().items()}
    with replacing(folder / WEIGHTS) as temporary:
        save_file(tensors, temporary)
    write_json(folder / DESCRIPTION, {"extra": extra, "spec": detector.spec.to_json()})


def load_detector(folder: Path) -> Detector:
    """Read a detector on the CPU, in eval mode.

    Raises:
        DataError: a file is missing, damaged or does not fit the other.
    """
    description = read_json(folder / DESCRIPTION)
    spec = DetectorSpec.from_json(description.get("spec", {}) if isinstance(description, dict) else {})
    # The weights come from the folder, so that whatever they started from need not exist any more.
    bare = dataclasses.replace(
        spec,
        encoder=dataclasses.replace(spec.encoder, weights="none"),
        text=dataclasses.replace(spec.text, weights="none"),
    )
    detector = create_detector(bare)
    path = folder / WEIGHTS
    try:
        detector.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise DataError(f"{path}: missing; run the stage that writes it (`dvc repro`)") from None
    except (SafetensorError, RuntimeError, OSError) as error:
        raise DataError(f"{path}: damaged, or of another model ({str(error).splitlines()[0]})") from None
    detector.spec = spec
    return detector.eval()
