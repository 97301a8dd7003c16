"""POST /predict: one or many pictures."""

from typing import Annotated

from fastapi import APIRouter, File, Request, Response, UploadFile

from unmask.serving.answers import PictureAnswer, Predictions, Problem, Source
from unmask.serving.disconnect import while_connected
from unmask.serving.engine import Engine
from unmask.serving.guard.form import UploadRoute, read_upload
from unmask.serving.problems import Refusal

router = APIRouter(tags=["judge"], route_class=UploadRoute)

SAMPLE = {"lang": "Shell", "source": "curl -F images=@one.jpg -F images=@two.png http://localhost:3000/predict"}


@router.post(
    "/predict",
    response_model=Predictions,
    responses={
        400: {"model": Problem, "description": "None of the pictures can be judged"},
        413: {"model": Problem, "description": "The request, or every picture in it, is too large"},
    },
    openapi_extra={"x-codeSamples": [SAMPLE]},
)
async def predict(
    request: Request,
    images: Annotated[list[UploadFile], File(description="pictures: JPEG, PNG, WebP, BMP or TIFF")],
) -> Response:
    """Judge each picture; one that can't be judged says why.

    Refused only where none can be judged: with 413 if all are too large, else with 400.
    """
    engine: Engine = request.app.state.engine
    runtime, request_id = engine.models.current, request.state.request_id
    pictures = [await read_upload(image) for image in images]
    outcomes = await while_connected(request, engine.judge(runtime, pictures))
    ids = [f"{request_id}-{number}" for number in range(len(outcomes))]
    engine.observer.record(runtime=runtime, route="/predict", ids=ids, outcomes=outcomes)
    if all(outcome.error for outcome in outcomes):
        status = 413 if all(outcome.too_large for outcome in outcomes) else 400
        raise Refusal(status, f"picture 1 of {len(outcomes)}: {outcomes[0].error}")
    engine.inbox.capture(runtime=runtime, ids=ids, pictures=pictures, answers=[each.answer for each in outcomes])
    answers = [
        PictureAnswer.of(outcome, name=name, bundle=runtime.bundle) for outcome, name in zip(outcomes, ids, strict=True)
    ]
    reply = Predictions.model_validate({"answers": answers, **Source.of(runtime.bundle, request_id)})
    # Written here, because FastAPI would validate it once more.
    return Response(reply.model_dump_json(), media_type="application/json")
