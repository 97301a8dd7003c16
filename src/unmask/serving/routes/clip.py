"""POST /predict_clip: a clip, frame by frame and as a whole."""

import asyncio
from statistics import fmean
from typing import Annotated

import numpy as np
from fastapi import APIRouter, File, Request, Response, UploadFile
from pydantic import BaseModel, Field

from unmask.data.clips import looks_like_clip
from unmask.data.containers import FORMATS
from unmask.data.opening import open_picture
from unmask.errors import DataError, ResourceError
from unmask.serving.answers import Judged, Problem, Source
from unmask.serving.clips.verdict import clip_frames, judge_frames
from unmask.serving.disconnect import while_connected
from unmask.serving.engine import Engine, Outcome
from unmask.serving.guard.form import UploadRoute
from unmask.serving.inbox.rows import EXAMPLE_ID
from unmask.serving.problems import Refusal
from unmask.serving.runtime import Answer, Runtime
from unmask.serving.verdict import Verdict

router = APIRouter(tags=["judge"], route_class=UploadRoute)
HEAD_BYTES = 64


class FrameScore(BaseModel):
    """One frame on the clip's time line; where the service looks for faces and finds none to judge, it has no score."""

    time_s: float = Field(description="seconds after the first frame", examples=[0.625])
    probability: float | None = Field(description="calibrated probability of a forgery", examples=[0.91])
    verdict: Verdict | None = Field(examples=["fake"])


class ClipPrediction(Source):
    """A clip's judgement, and its frames' in order of time.

    The clip's probability is that of the mean of its frames' log-odds, its attributes are means of the frames'
    marginals; null where no frame shows a face that can be judged.
    """

    id: str = Field(description="names this prediction for /feedback", examples=[EXAMPLE_ID])
    judgement: Judged | None
    frames: list[FrameScore]
    duration_s: float = Field(description="from the first frame to the end of the last", examples=[10.01])


@router.post(
    "/predict_clip",
    response_model=ClipPrediction,
    responses={status: {"model": Problem} for status in (400, 413, 415, 429, 501)},
)
async def predict_clip(
    request: Request,
    clip: Annotated[UploadFile, File(description="a clip: MP4, MOV, MKV, WebM, AVI, TS, MPG, FLV, WMV")],
) -> Response:
    """Judge a clip by frames that lie evenly over it, as many as the model was evaluated with.

    Animated GIF and WebP are not taken: make them an MP4. Needs the extra `clips`, else the answer is 501.
    """
    engine: Engine = request.app.state.engine
    await _check_kind(clip, engine)
    runtime, request_id = engine.models.current, request.state.request_id
    duration_s, scored = await while_connected(request, _judge(engine, runtime, clip))
    whole = _whole([answer for _, answer in scored if answer], runtime)
    name = f"{request_id}-0"
    engine.observer.record(runtime=runtime, route="/predict_clip", ids=[name], outcomes=[Outcome(answer=whole)])
    reply = ClipPrediction.model_validate(
        {
            "id": name,
            "judgement": Judged.of(whole) if whole else None,
            "frames": [_score(time_s, answer) for time_s, answer in scored],
            "duration_s": round(duration_s, 3),
            **Source.of(runtime.bundle, request_id),
        }
    )
    return Response(reply.model_dump_json(), media_type="application/json")


async def _check_kind(clip: UploadFile, engine: Engine) -> None:
    limits = engine.settings.limits
    if (clip.size or 0) > limits.clip_megabytes * 1e6:
        raise Refusal(413, f"larger than {limits.clip_megabytes:g} MB; send a shorter or a smaller clip")
    head = await clip.read(HEAD_BYTES)
    if not looks_like_clip(head):
        rest = await clip.read(int(limits.picture_megabytes * 1e6))
        loop = asyncio.get_running_loop()
        raise Refusal(415, await loop.run_in_executor(engine.pool, _instead, head + rest, limits.picture_megapixels))
    await clip.seek(0)


def _instead(data: bytes, max_megapixels: float) -> str:
    """What is to be done with what is no clip."""
    try:
        open_picture(data, max_megapixels=max_megapixels, max_megabytes=len(data) / 1e6)
    except ResourceError:
        raise
    except DataError as error:
        return f"not a clip in {', '.join(FORMATS)}, and as a picture: {error}"
    return "a picture, not a clip; send it to /predict"


async def _judge(engine: Engine, runtime: Runtime, clip: UploadFile) -> tuple[float, list[tuple[float, Answer | None]]]:
    """The clip's duration in s, and each frame's time and answer."""
    scored, errors = [], []
    async with engine.clips.open(clip, frames=clip_frames(runtime.bundle)) as opened:
        async for frame in opened.frames():
            outcome = (await engine.judge(runtime, [frame.picture]))[0]
            if outcome.error and engine.settings.faces == "none":
                # All frames are of one size, which is all that a decoded one is refused for.
                raise Refusal(400, outcome.error)
            scored.append((frame.time_s, outcome.answer))
            errors.append(outcome.error)
    # A search for faces that fails at some frames says nothing about the others.
    if all(errors):
        raise Refusal(400, errors[0])
    return opened.duration_s, scored


def _whole(answers: list[Answer], runtime: Runtime) -> Answer | None:
    """One answer of all frames': a clip counts once in the traffic log, however many of its frames were looked at."""
    if not answers:
        return None
    said = judge_frames(answers, runtime.bundle.calibration)
    return Answer(
        p_fake=said.p_fake,
        logit=said.logit,
        verdict=said.verdict,
        attributes={name: fmean(each.attributes[name] for each in answers) for name in answers[0].attributes},
        sentence=said.sentence,
        embedding=np.mean([each.embedding for each in answers], axis=0),
    )


def _score(time_s: float, answer: Answer | None) -> FrameScore:
    score = (round(answer.p_fake, 4), answer.verdict) if answer else (None, None)
    return FrameScore(time_s=round(time_s, 3), probability=score[0], verdict=score[1])
