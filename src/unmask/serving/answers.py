"""The shapes of the service's answers, as its OpenAPI document describes them."""

from typing import Literal

from pydantic import BaseModel, Field

from unmask.serving.bundle import Bundle, Calibration
from unmask.serving.runtime import Answer
from unmask.serving.verdict import Verdict


class ThresholdMeaning(BaseModel):
    """A calibrated probability and what it was chosen for."""

    probability: float
    meaning: str


class Judged(BaseModel):
    """What the model says of one crop; `attributes` are marginal probabilities."""

    probability: float = Field(description="calibrated probability of a forgery", examples=[0.93])
    verdict: Verdict
    sentence: str = Field(examples=["altered: mouth and lips (0.93), physical inconsistency (0.88)"])
    attributes: dict[str, float]

    @classmethod
    def of(cls, answer: Answer) -> "Judged":
        """Round an answer for a reader."""
        return cls(
            probability=round(answer.p_fake, 4),
            verdict=answer.verdict,
            sentence=answer.sentence,
            attributes={name: round(value, 4) for name, value in answer.attributes.items()},
        )


class Face(Judged):
    """A face that was found and scored: its box x0, y0, x1, y1 in px of the upright picture."""

    box: tuple[float, float, float, float]
    score: float = Field(description="how sure the detector is that this is a face")


class PictureAnswer(BaseModel):
    """One picture: its judgement, or in `error` why there is none. With `serving.faces` that of its most suspect face."""

    id: str = Field(description="names this prediction for /feedback")
    judgement: Judged | None
    faces: list[Face] | None = Field(description="null where the service takes pictures as crops")
    error: str | None


class Source(BaseModel):
    """Whose answer it is, and what its verdicts turn on."""

    model_version: str
    data_hash: str
    request_id: str
    thresholds: dict[str, ThresholdMeaning]

    @classmethod
    def of(cls, bundle: Bundle, request_id: str) -> dict[str, object]:
        """The fields that every answer carries."""
        return {
            "model_version": bundle.version,
            "data_hash": bundle.data.md5,
            "request_id": request_id,
            "thresholds": meanings(bundle.calibration),
        }


class Predictions(Source):
    """Answers in the order of the uploaded pictures."""

    answers: list[PictureAnswer]


class Problem(BaseModel):
    """Why a request was refused."""

    error: str
    request_id: str


class Swap(BaseModel):
    """Since when this model answers, whether promotions are taken up, and why the latest one was not."""

    since: str
    follows_promotions: bool
    refused: str | None


class Model(Source):
    """What is served."""

    candidate: Literal["student", "teacher"]
    revision: str
    precision: str
    provider: str
    faces: str
    labels: list[str]
    metrics: dict[str, object]
    data_note: str
    swap: Swap
    card: str


def meanings(calibration: Calibration) -> dict[str, ThresholdMeaning]:
    """The two thresholds in words."""
    thresholds = calibration.thresholds
    fake = (
        f"fake above it; meant for {thresholds.fake_fpr:.1%} of real pictures, and the {thresholds.n_real} validation "
        f"reals promise at most {calibration.fake_promised:.1%} (95 % confidence) for pictures like these"
    )
    real = (
        f"real below it, uncertain between; meant to miss {thresholds.real_miss:.1%} of fakes, and the "
        f"{thresholds.n_fake} validation fakes promise at most {calibration.real_promised:.1%} for known generators"
    )
    return {
        "fake": ThresholdMeaning(probability=thresholds.fake, meaning=fake),
        "real": ThresholdMeaning(probability=thresholds.real, meaning=real),
    }
