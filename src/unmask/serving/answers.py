"""The shapes of the service's answers, as its OpenAPI document describes them."""

from typing import Literal, Self, TypedDict

from pydantic import BaseModel, Field

from unmask.serving.bundle import Bundle, Calibration
from unmask.serving.engine import FaceOutcome, Outcome
from unmask.serving.runtime import Answer
from unmask.serving.verdict import Verdict


class _Judgement(TypedDict):
    probability: float
    verdict: Verdict
    sentence: str
    attributes: dict[str, float]


class ThresholdMeaning(BaseModel):
    """A calibrated probability and what it was chosen for."""

    probability: float = Field(examples=[0.91])
    meaning: str = Field(
        examples=[
            "fake above it; meant for 5.0% of real pictures, and the 260 validation reals promise at most 4.8% ..."
        ]
    )


class Judged(BaseModel):
    """What the model says of one crop."""

    probability: float = Field(description="calibrated probability of a forgery", examples=[0.93])
    verdict: Verdict = Field(description="uncertain between the two thresholds", examples=["fake"])
    sentence: str = Field(examples=["altered: mouth and lip (0.93), physical inconsistency (0.88)"])
    attributes: dict[str, float] = Field(
        description="marginal probability of each label",
        examples=[{"fake": 0.93, "physical inconsistency": 0.88, "lip": 0.93, "mouth": 0.95}],
    )

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """Round an answer for a reader."""
        return cls(**_judged(answer))


class Face(Judged):
    """A face that was found and scored."""

    box: tuple[float, float, float, float] = Field(
        description="x0, y0, x1, y1 in px of the upright picture; may reach beyond it",
        examples=[(212.0, 80.5, 388.0, 301.0)],
    )
    score: float = Field(description="how sure the detector is that this is a face", examples=[0.97])

    @classmethod
    def found(cls, face: FaceOutcome) -> "Face":
        """Round a face for a reader."""
        x0, y0, x1, y1 = (round(value, 1) for value in face.box)
        return cls(box=(x0, y0, x1, y1), score=round(face.score, 4), **_judged(face.answer))


class PictureAnswer(BaseModel):
    """One picture: its judgement, or in `error` why there is none.

    With `serving.faces` the judgement is that of the most suspect face, and null where no face was found.
    """

    id: str = Field(description="names this prediction for /feedback", examples=["9f2c4e7a5b8d4c0f8a6b1d2e3f405162-0"])
    judgement: Judged | None
    faces: list[Face] | None = Field(description="from left to right; null where the service takes pictures as crops")
    small_faces: int = Field(0, description="faces too small for the model, which are not scored", examples=[0])
    error: str | None = Field(examples=[None, "not a JPEG, PNG, WebP, BMP or TIFF picture"])

    @classmethod
    def of(cls, outcome: Outcome, name: str) -> "PictureAnswer":
        """The answer called NAME, for a reader."""
        return cls(
            id=name,
            judgement=Judged.of(outcome.answer) if outcome.answer else None,
            faces=None if outcome.faces is None else [Face.found(face) for face in outcome.faces],
            small_faces=outcome.read.small_faces if outcome.read else 0,
            error=outcome.error or None,
        )


class Source(BaseModel):
    """Whose answer it is, and what its verdicts turn on."""

    model_version: str = Field(examples=["c2f6293dc11c"])
    data_hash: str = Field(
        description="of the data that trained the model, as in data.dvc",
        examples=["78069c1dddcce34e30c09945f5d50305.dir"],
    )
    request_id: str = Field(
        description="as in the header X-Request-ID and in the log", examples=["9f2c4e7a5b8d4c0f8a6b1d2e3f405162"]
    )
    thresholds: dict[str, ThresholdMeaning] = Field(description="`fake` and `real`")

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

    error: str = Field(examples=["picture 1 of 1: not a JPEG, PNG, WebP, BMP or TIFF picture, but a PDF"])
    request_id: str = Field(examples=["9f2c4e7a5b8d4c0f8a6b1d2e3f405162"])


class Swap(BaseModel):
    """Since when this model answers, whether promotions are taken up, and why the latest one was not."""

    since: str
    follows_promotions: bool
    refused: str | None


class Model(Source):
    """What is served."""

    candidate: Literal["student", "teacher"] = Field(examples=["student"])
    revision: str = Field(description="git revision of the code that packaged it", examples=["e429728ce6a0"])
    precision: str = Field(description="numbers that the encoder computes in", examples=["float32"])
    provider: str = Field(description="where ONNX Runtime infers", examples=["CPUExecutionProvider"])
    faces: str = Field(description="none: pictures are taken as crops", examples=["none"])
    labels: list[str] = Field(description="of `attributes`", examples=[["fake", "eye", "mouth"]])
    metrics: dict[str, object] = Field(
        description="on the test rows", examples=[{"auc": {"value": 0.9, "low": 0.85, "high": 0.94}}]
    )
    data_note: str = Field(description="what to know about the data", examples=[""])
    swap: Swap
    card: str = Field(description="the model card, Markdown", examples=["# Model card"])


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


def _judged(answer: Answer) -> _Judgement:
    return {
        "probability": round(answer.p_fake, 4),
        "verdict": answer.verdict,
        "sentence": answer.sentence,
        "attributes": {name: round(value, 4) for name, value in answer.attributes.items()},
    }
