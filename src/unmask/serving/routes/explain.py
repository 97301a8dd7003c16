"""POST /explain: what a picture's score rests on."""

import asyncio
import base64
from typing import Annotated

from fastapi import APIRouter, File, Request, Response, UploadFile
from pydantic import Field

from unmask.data.boxes import square_around
from unmask.serving.answers import Judged, Problem, Source
from unmask.serving.bundle import Bundle
from unmask.serving.crops import crop_box
from unmask.serving.disconnect import while_connected
from unmask.serving.engine import Engine, Outcome
from unmask.serving.faces import face_margin
from unmask.serving.guard.form import UploadRoute
from unmask.serving.inbox.rows import EXAMPLE_ID
from unmask.serving.overlay import Place, draw_overlay
from unmask.serving.problems import Refusal
from unmask.serving.reading import View
from unmask.serving.runtime import Runtime

router = APIRouter(tags=["judge"], route_class=UploadRoute)


class Explanation(Source):
    """A picture's judgement, sentence and attributes included, and a layer that shows what its score rests on.

    The layer is the student's or teacher's activation map: the last features at each place, weighted as the verdict
    weighs them all. The brighter and the less transparent a place, the more it speaks for a forgery, relative to the
    strongest one. It is coarse, and proves nothing about where a picture was altered. With the verdict `real` it is
    wholly transparent.

    Where the service looks for faces, all is of the most suspect one, and null where there is none.
    """

    id: str = Field(description="names this prediction for /feedback", examples=[EXAMPLE_ID])
    judgement: Judged | None
    overlay_png: str | None = Field(description="PNG with transparency, base64; lay it over `box`, stretched to it")
    box: Place | None = Field(
        description="the part that was judged: x0, y0, x1, y1 in px of the upright picture",
        examples=[[448, 448, 1344, 1344]],
    )


@router.post(
    "/explain", response_model=Explanation, responses={status: {"model": Problem} for status in (400, 413, 415)}
)
async def explain(
    request: Request, image: Annotated[UploadFile, File(description="a picture: JPEG, PNG, WebP, BMP or TIFF")]
) -> Response:
    """Judge a picture as /predict does, and show where in it the score comes from."""
    engine: Engine = request.app.state.engine
    runtime, request_id = engine.models.current, request.state.request_id
    outcome = (await while_connected(request, engine.judge(runtime, [await image.read()])))[0]
    engine.observer.record(runtime=runtime, route="/explain", ids=[f"{request_id}-0"], outcomes=[outcome])
    if outcome.error:
        raise Refusal(400, outcome.error)
    layer, box = None, None
    if outcome.answer:
        loop = asyncio.get_running_loop()
        layer, box = await loop.run_in_executor(engine.pool, _draw, runtime, outcome)
    reply = Explanation.model_validate(
        {
            "id": f"{request_id}-0",
            "judgement": Judged.of(outcome.answer) if outcome.answer else None,
            "overlay_png": base64.b64encode(layer) if layer else None,
            "box": box,
            **Source.of(runtime.bundle, request_id),
        }
    )
    return Response(reply.model_dump_json(), media_type="application/json")


def _draw(runtime: Runtime, outcome: Outcome) -> tuple[bytes, Place]:
    """The layer of the most suspect view as PNG, and its place in the picture."""
    assert outcome.read and outcome.view and outcome.answer  # noqa: S101, PT018  (else there is nothing to draw)
    view, size = outcome.view, outcome.read.size
    left, top, right, bottom = _region(view, size, runtime.bundle)
    x0, y0, x1, y1 = crop_box(right - left, bottom - top, runtime.bundle.preprocessing)
    ((_, found),) = runtime.explain_crops(view.crop[None])
    box = (left + x0, top + y0, left + x1, top + y1)
    return draw_overlay(found, box=box, size=size, verdict=outcome.answer.verdict)


def _region(view: View, size: tuple[int, int], bundle: Bundle) -> Place:
    """The part of the picture that a view was made from, as `faces.cut_face` cuts it."""
    if view.face is None:
        return 0, 0, *size
    return square_around(view.face.extent, size, margin=face_margin(bundle))
