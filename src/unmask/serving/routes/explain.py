"""POST /explain: what a picture's score rests on."""

import asyncio
import base64
from typing import Annotated

from fastapi import APIRouter, File, Request, Response, UploadFile
from pydantic import Field

from unmask.serving.answers import JudgedPicture, Problem, Source
from unmask.serving.crops import judged_box
from unmask.serving.disconnect import while_connected
from unmask.serving.engine import Engine, Outcome
from unmask.serving.guard.form import UploadRoute, read_upload
from unmask.serving.overlay import draw_overlay
from unmask.serving.problems import Refusal
from unmask.serving.runtime import Runtime

router = APIRouter(tags=["judge"], route_class=UploadRoute)


class Explanation(Source, JudgedPicture):
    """A picture's judgement, sentence and attributes included, and a layer that shows what its score rests on.

    The layer is the student's or teacher's activation map: the last features at each place, weighted as the verdict
    weighs them all. The brighter and the less transparent a place, the more it speaks for a forgery, relative to the
    strongest one. It is coarse, and proves nothing about where a picture was altered. With the verdict `real` it is
    wholly transparent.

    Where the service looks for faces, all is of the most suspect one, and null where there is none.
    """

    overlay_png: str | None = Field(description="PNG with transparency, base64; lay it over `box`, stretched to it")


@router.post(
    "/explain", response_model=Explanation, responses={status: {"model": Problem} for status in (400, 413, 415)}
)
async def explain(
    request: Request, image: Annotated[UploadFile, File(description="a picture: JPEG, PNG, WebP, BMP or TIFF")]
) -> Response:
    """Judge a picture as /predict does, and show where in it the score comes from."""
    engine: Engine = request.app.state.engine
    runtime, request_id = engine.models.current, request.state.request_id
    outcome = (await while_connected(request, engine.judge(runtime, [await read_upload(image)])))[0]
    name = f"{request_id}-0"
    engine.observer.record(runtime=runtime, route="/explain", ids=[name], outcomes=[outcome])
    if outcome.error:
        raise Refusal(413 if outcome.too_large else 400, outcome.error)
    layer = None
    if outcome.answer:
        loop = asyncio.get_running_loop()
        layer = await loop.run_in_executor(engine.pool, _draw, runtime, outcome)
    reply = Explanation.model_validate(
        {
            "overlay_png": base64.b64encode(layer) if layer else None,
            **JudgedPicture.fields_of(outcome, name=name, bundle=runtime.bundle),
            **Source.of(runtime.bundle, request_id),
        }
    )
    return Response(reply.model_dump_json(), media_type="application/json")


def _draw(runtime: Runtime, outcome: Outcome) -> bytes:
    """The layer of the most suspect view as PNG."""
    assert outcome.read and outcome.view and outcome.answer  # noqa: S101, PT018  (else there is nothing to draw)
    ((_, found),) = runtime.explain_crops(outcome.view.crop[None])
    size = outcome.read.size
    box = judged_box(outcome.view, size, runtime.bundle)
    return draw_overlay(found, box=box, size=size, verdict=outcome.answer.verdict)
