"""POST /predict: one or many pictures."""

from typing import Annotated

from fastapi import APIRouter, File, Request, Response, UploadFile

from unmask.serving.answers import Judged, PictureAnswer, Predictions, Problem, Source
from unmask.serving.engine import Engine, Outcome
from unmask.serving.problems import Refusal

router = APIRouter()


@router.post("/predict", response_model=Predictions, responses={400: {"model": Problem}, 413: {"model": Problem}})
async def predict(
    request: Request,
    images: Annotated[list[UploadFile], File(description="pictures: JPEG, PNG, WebP, BMP or TIFF")],
) -> Response:
    """Judge each picture. Refused with 400 only where none can be judged; else each says its own error."""
    engine: Engine = request.app.state.engine
    if len(images) > engine.settings.limits.pictures:
        raise Refusal(400, f"more than {engine.settings.limits.pictures} pictures in one request")
    runtime, request_id = engine.models.current, request.state.request_id
    outcomes = await engine.judge(runtime, [await image.read() for image in images])
    ids = [f"{request_id}-{number}" for number in range(len(outcomes))]
    engine.observer.record(runtime=runtime, route="/predict", ids=ids, outcomes=outcomes)
    if all(outcome.error for outcome in outcomes):
        raise Refusal(400, f"picture 1 of {len(outcomes)}: {outcomes[0].error}")
    answers = [_answer(outcome, name) for name, outcome in zip(ids, outcomes, strict=True)]
    reply = Predictions.model_validate({"answers": answers, **Source.of(runtime.bundle, request_id)})
    return Response(reply.model_dump_json(), media_type="application/json")


def _answer(outcome: Outcome, name: str) -> PictureAnswer:
    judgement = Judged.of(outcome.answer) if outcome.answer else None
    return PictureAnswer(id=name, judgement=judgement, faces=None, error=outcome.error or None)
