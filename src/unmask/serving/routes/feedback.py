"""POST /feedback: a prediction with the right answer."""

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from pydantic import BaseModel, Field

from unmask.errors import DataError, ResourceError, TooLargeError
from unmask.serving.answers import Problem
from unmask.serving.engine import Engine
from unmask.serving.guard.form import UploadRoute, read_upload
from unmask.serving.inbox.folder import InboxFullError
from unmask.serving.inbox.rows import EXAMPLE_ID, PREDICTION_ID, Label
from unmask.serving.problems import Refusal

router = APIRouter(tags=["learn"], route_class=UploadRoute)
MOST_CHARACTERS = 2000


class FeedbackReceipt(BaseModel):
    """What was stored."""

    id: str = Field(examples=[EXAMPLE_ID])
    stored_picture: bool


@router.post("/feedback", responses={status: {"model": Problem} for status in (400, 409, 413, 415, 422, 507)})
async def feedback(
    request: Request,
    *,
    id: Annotated[  # noqa: A002  (the field's name in the form)
        str,
        Form(
            pattern=f"^{PREDICTION_ID}$",
            description="as in the answer",
            examples=[EXAMPLE_ID],
        ),
    ],
    label: Annotated[Label, Form(description="what the picture or clip is")],
    note: Annotated[str, Form(max_length=MOST_CHARACTERS)] = "",
    consent: Annotated[bool, Form(description="whether the picture may be kept, to learn from it")] = False,
    image: Annotated[UploadFile | None, File(description="the picture; read only with consent")] = None,
) -> FeedbackReceipt:
    """Report the right answer for a prediction; the next training reads it.

    The picture is stored only with `consent`, byte for byte, and removed after `serving.keep_days`. A later report for
    the same id takes the earlier one's place; its picture may not differ.
    """
    engine: Engine = request.app.state.engine
    picture = await read_upload(image) if image and consent else b""
    kind = await _kind_of(picture, engine) if picture else ""
    try:
        stored = await engine.inbox.add_feedback(id, label, note=note, picture=picture, kind=kind)
    except DataError as error:
        raise Refusal(409, str(error)) from None
    except InboxFullError as error:
        raise Refusal(507, str(error)) from None
    except OSError:
        raise Refusal(507, "the inbox can't be written to") from None
    return FeedbackReceipt(id=id, stored_picture=stored)


async def _kind_of(picture: bytes, engine: Engine) -> str:
    try:
        return await engine.format_of(picture)
    except ResourceError:
        raise
    except DataError as error:
        raise Refusal(413 if isinstance(error, TooLargeError) else 400, f"image: {error}") from None
