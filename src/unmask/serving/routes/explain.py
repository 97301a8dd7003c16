"""POST /explain: what a picture's score rests on."""

import asyncio
import base64
from typing import Annotated

import numpy as np
from fastapi import APIRouter, File, Request, Response, UploadFile
from PIL import Image
from pydantic import Field

from unmask.serving.answers import Judged, Problem, Source
from unmask.serving.crops import crop_box
from unmask.serving.engine import Engine
from unmask.serving.inbox.rows import EXAMPLE_ID
from unmask.serving.overlay import Place, draw_overlay
from unmask.serving.problems import Refusal
from unmask.serving.runtime import Answer, Runtime

router = APIRouter()


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
    outcome = (await engine.judge(runtime, [await image.read()], keep=True))[0]
    if outcome.picture is None:
        raise Refusal(400, outcome.error)
    layer, box = None, None
    if outcome.answer:
        loop = asyncio.get_running_loop()
        layer, box = await loop.run_in_executor(engine.pool, _draw, runtime, outcome.picture, outcome.answer)
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


def _draw(runtime: Runtime, picture: Image.Image, answer: Answer) -> tuple[bytes, Place]:
    """The layer as PNG, and its place in the picture."""
    ((_, found),) = runtime.explain_crops(np.stack([runtime.prepare(picture)]))
    box = crop_box(*picture.size, runtime.bundle.preprocessing)
    return draw_overlay(found, box=box, size=picture.size, answer=answer)
