"""The service: `bentoml serve` at the project's root, or in a Bento, answers POST /predict and GET /model."""

from pathlib import Path
from typing import Any, cast

import bentoml
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from unmask.data.decode import decode_image
from unmask.errors import DataError, UnmaskError
from unmask.serving.bundle import Calibration, bundle_folder, load_bundle
from unmask.serving.guard import Limits, UploadGuard, problem
from unmask.serving.runtime import Answer, Runtime

NAME = "unmask"
LIMITS = Limits()


class ThresholdMeaning(BaseModel):
    """A calibrated probability and what it was chosen for."""

    probability: float
    meaning: str


class PictureAnswer(BaseModel):
    """What the model says about one picture; `attributes` are marginal probabilities."""

    probability: float
    verdict: str
    attributes: dict[str, float]
    sentence: str


class Reply(BaseModel):
    """Answers in the order of the uploaded pictures, and whose answers they are."""

    answers: list[PictureAnswer]
    thresholds: dict[str, ThresholdMeaning]
    model_version: str
    data_hash: str
    request_id: str


async def show_model(_: Request) -> JSONResponse:
    """GET / and GET /model: what is served, and how to ask it."""
    runtime = cast("Unmask", bentoml.get_current_service()).runtime
    bundle = runtime.bundle
    return JSONResponse(
        {
            "model_version": bundle.version,
            "data_hash": bundle.data.md5,
            "data_note": bundle.data.note,
            "candidate": bundle.candidate,
            "revision": bundle.revision,
            "labels": bundle.graph.labels,
            "thresholds": {name: item.model_dump() for name, item in meanings(bundle.calibration).items()},
            "metrics": bundle.metrics,
            "provider": runtime.provider,
            "usage": "POST /predict, multipart/form-data, pictures in the field `images`",
        }
    )


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


@bentoml.service(name=NAME, workers=1, threads=4, traffic={"timeout": 60, "max_concurrency": 16})
@bentoml.asgi_app(Starlette(routes=[Route("/", show_model), Route("/model", show_model)]), path="/")
class Unmask:
    """Is this face a photograph or forged? Answers with a calibrated probability and what it means."""

    def __init__(self) -> None:
        self.runtime = Runtime(bundle_folder())

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def check() -> None:
        """Look at the bundle before any worker starts, where a refusal can still be one line and end the program."""
        try:
            load_bundle(bundle_folder())
        except UnmaskError as error:
            raise SystemExit(f"unmask: {error}") from None

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, images: list[Path], ctx: bentoml.Context) -> Reply:
        """Answer for each uploaded picture (JPEG, PNG, WebP, BMP or TIFF)."""
        request_id = ctx.request.state.request_id
        try:
            crops = _read_crops(images, self.runtime)
        except DataError as error:
            # Raising would log a traceback for every bad upload; BentoML sends a response with the context's status.
            ctx.response.status_code = 400
            return cast("Reply", problem(400, str(error), request_id))
        bundle = self.runtime.bundle
        return Reply(
            answers=[_in_words(answer) for answer in self.runtime.predict_crops(crops)],
            thresholds=meanings(bundle.calibration),
            model_version=bundle.version,
            data_hash=bundle.data.md5,
            request_id=request_id,
        )


def _read_crops(paths: list[Path], runtime: Runtime) -> npt.NDArray[np.uint8]:
    """Crops of the uploaded pictures, (N, size, size, 3); one decoded picture is in memory at a time."""
    caps = {"max_megapixels": LIMITS.picture_megapixels, "max_megabytes": LIMITS.picture_megabytes}
    crops: list[npt.NDArray[np.uint8]] = []
    for number, path in enumerate(paths, start=1):
        try:
            crops.append(runtime.prepare(decode_image(path.read_bytes(), **caps)))
        except DataError as error:
            raise DataError(f"picture {number} of {len(paths)}: {error}") from None
    return np.stack(crops)


def _in_words(answer: Answer) -> PictureAnswer:
    attributes = {name: round(value, 4) for name, value in answer.attributes.items()}
    return PictureAnswer(
        probability=round(answer.p_fake, 4), verdict=answer.verdict, attributes=attributes, sentence=answer.sentence
    )


cast("Any", Unmask).add_asgi_middleware(UploadGuard, path="/predict", limits=LIMITS)
