"""What the service answers, as dataclasses; keys that a newer service adds are passed over."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Base64Bytes

Verdict = Literal["real", "fake", "uncertain"]


@dataclass(frozen=True)
class Judgement:
    """Calibrated probability of a forgery, what follows from it, and marginal probabilities by attribute."""

    probability: float
    verdict: Verdict
    sentence: str
    attributes: dict[str, float]


@dataclass(frozen=True)
class Face(Judgement):
    """A face that was found: its box x0, y0, x1, y1 in px of the upright picture, and how sure its detector is."""

    box: tuple[float, float, float, float]
    score: float


@dataclass(frozen=True)
class Threshold:
    """A calibrated probability, and what it was chosen for."""

    probability: float
    meaning: str


@dataclass(frozen=True)
class Source:
    """Whose answer it is."""

    model_version: str
    data_hash: str
    request_id: str
    thresholds: dict[str, Threshold]


@dataclass(frozen=True)
class Prediction:
    """One picture's judgement, or in `error` why there is none; neither where faces are looked for and none is found.

    ID is for `feedback`; BOX is the part that was judged, x0, y0, x1, y1 in px of the upright picture; SMALL_FACES is
    how many faces were too small to be judged.
    """

    id: str
    judgement: Judgement | None
    faces: list[Face] | None
    error: str | None
    box: tuple[int, int, int, int] | None = None
    small_faces: int = 0
    source: Source | None = None


@dataclass(frozen=True)
class FrameScore:
    """A frame of a clip, s after the first; without a face, where faces are looked for, it has no score."""

    time_s: float
    probability: float | None
    verdict: Verdict | None


@dataclass(frozen=True)
class ClipPrediction(Source):
    """A clip's judgement, and its frames' in order of time."""

    id: str
    judgement: Judgement | None
    frames: list[FrameScore]
    duration_s: float


@dataclass(frozen=True)
class Explanation(Source):
    """A judgement, and the activation map as a transparent layer (PNG) to lay over BOX, px of the upright picture."""

    id: str
    judgement: Judgement | None
    overlay_png: Base64Bytes | None
    box: tuple[int, int, int, int] | None


@dataclass(frozen=True)
class Receipt:
    """What the service stored."""

    id: str
    stored_picture: bool


@dataclass(frozen=True)
class Swap:
    """Since when (ISO 8601, UTC) the model answers, whether promotions are taken up, and whether one was refused."""

    since: str
    follows_promotions: bool
    refused: str | None


@dataclass(frozen=True)
class Model(Source):
    """What is served. CAPTURE says which pictures are kept though nobody sent them with consent: none or uncertain."""

    candidate: str
    revision: str
    precision: str
    provider: str
    faces: str
    capture: str
    labels: list[str]
    metrics: dict[str, object]
    data_note: str
    swap: Swap
    card: str
