"""The shapes of the service's answers, as its OpenAPI document describes them."""

from typing import Literal, Self, TypedDict

from pydantic import BaseModel, Field

from unmask.serving.bundle import Bundle, Calibration
from unmask.serving.crops import Place, judged_box, visible
from unmask.serving.engine import FaceOutcome, Outcome
from unmask.serving.inbox.rows import EXAMPLE_ID
from unmask.serving.runtime import Answer
from unmask.serving.verdict import Verdict

EXAMPLE_REQUEST = EXAMPLE_ID.partition("-")[0]


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
        description="marginal probability of each label, as the model has it: not calibrated",
        examples=[{"fake": 0.96, "physical inconsistency": 0.88, "lip": 0.93, "mouth": 0.95}],
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


class JudgedPicture(BaseModel):
    """A picture's judgement, and the part of the picture that it is about: nothing outside `box` was seen.

    With `serving.faces` both are those of the most suspect face, and null where no face was found that is large
    enough for the model.
    """

    id: str = Field(description="names this prediction for /feedback", examples=[EXAMPLE_ID])
    judgement: Judged | None
    box: Place | None = Field(
        description="the part that was judged: x0, y0, x1, y1 in px of the upright picture",
        examples=[[448, 448, 1344, 1344]],
    )

    @classmethod
    def fields_of(cls, outcome: Outcome, *, name: str, bundle: Bundle) -> dict[str, object]:
        """The fields that every answer on a picture carries; NAME is its id."""
        box = None
        if outcome.read and outcome.view:
            box = visible(judged_box(outcome.view, outcome.read.size, bundle), outcome.read.size)
        return {"id": name, "judgement": Judged.of(outcome.answer) if outcome.answer else None, "box": box}


class PictureAnswer(JudgedPicture):
    """One picture: its judgement, or in `error` why there is none."""

    faces: list[Face] | None = Field(description="from left to right; null where the service takes pictures as crops")
    small_faces: int = Field(0, description="faces too small for the model, which are not scored", examples=[0])
    error: str | None = Field(examples=[None, "not a JPEG, PNG, WebP, BMP or TIFF picture"])

    @classmethod
    def of(cls, outcome: Outcome, *, name: str, bundle: Bundle) -> "PictureAnswer":
        """The answer called NAME, for a reader."""
        return cls.model_validate(
            {
                "faces": None if outcome.faces is None else [Face.found(face) for face in outcome.faces],
                "small_faces": outcome.read.small_faces if outcome.read else 0,
                "error": outcome.error or None,
                **cls.fields_of(outcome, name=name, bundle=bundle),
            }
        )


class Source(BaseModel):
    """Whose answer it is, and what its verdicts turn on."""

    model_version: str = Field(examples=["c2f6293dc11c"])
    data_hash: str = Field(
        description="of the data that trained the model, as in data.dvc",
        examples=["78069c1dddcce34e30c09945f5d50305.dir"],
    )
    request_id: str = Field(description="as in the header X-Request-ID and in the log", examples=[EXAMPLE_REQUEST])
    data_note: str = Field(description="what to know about that data, if anything", examples=[""])
    thresholds: dict[str, ThresholdMeaning] = Field(description="`fake` and `real`; the rates are of single crops")

    @classmethod
    def of(cls, bundle: Bundle, request_id: str) -> dict[str, object]:
        """The fields that every answer carries."""
        return {
            "model_version": bundle.version,
            "data_hash": bundle.data.md5,
            "data_note": bundle.data.note,
            "request_id": request_id,
            "thresholds": meanings(bundle.calibration),
        }


class Predictions(Source):
    """Answers in the order of the uploaded pictures."""

    answers: list[PictureAnswer]


class Problem(BaseModel):
    """Why a request was refused."""

    error: str = Field(examples=["picture 1 of 1: not a JPEG, PNG, WebP, BMP or TIFF picture, but a PDF"])
    request_id: str = Field(examples=[EXAMPLE_REQUEST])


class Swap(BaseModel):
    """Since when this model answers, whether promotions are taken up, and whether the latest one was refused."""

    since: str = Field(description="ISO 8601, UTC", examples=["2026-11-21T12:00:00+00:00"])
    follows_promotions: bool
    refused: str | None = Field(
        examples=[None, "version c2f6293dc11c was refused; the service's log says why"],
        description="null where the latest promotion is served",
    )


class Model(Source):
    """What is served."""

    candidate: Literal["student", "teacher"] = Field(examples=["student"])
    revision: str = Field(description="git revision of the code that packaged it", examples=["e429728ce6a0"])
    precision: str = Field(description="numbers that the encoder computes in", examples=["float32"])
    provider: str = Field(description="where ONNX Runtime infers", examples=["CPUExecutionProvider"])
    faces: str = Field(description="none: pictures are taken as crops", examples=["none"])
    capture: str = Field(
        description="pictures that are kept though nobody sent them with consent: none, or uncertain ones",
        examples=["none"],
    )
    labels: list[str] = Field(description="of `attributes`", examples=[["fake", "eye", "mouth"]])
    metrics: dict[str, object] = Field(
        description="on the test rows", examples=[{"auc": {"value": 0.9, "low": 0.85, "high": 0.94}}]
    )
    swap: Swap
    card: str = Field(description="the model card, Markdown", examples=["# Model card"])


def meanings(calibration: Calibration) -> dict[str, ThresholdMeaning]:
    """The two thresholds in words."""
    thresholds = calibration.thresholds
    fake = (
        f"fake above it; meant for {thresholds.fake_fpr:.1%} of real pictures, and the {thresholds.n_real} validation "
        f"reals promise at most {calibration.fake_promised:.1%} (95 % confidence) for pictures like them"
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
