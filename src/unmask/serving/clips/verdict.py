"""Which frames of a clip are judged, and its verdict from theirs: one definition for service and `unmask predict`."""

from collections.abc import Sequence
from dataclasses import dataclass

from unmask.errors import DataError
from unmask.serving.bundle import Bundle, Calibration
from unmask.serving.runtime import Answer
from unmask.serving.verdict import Verdict, calibrate, clip_logit, verdict


@dataclass(frozen=True)
class ClipVerdict:
    """The mean of the frames' log-odds, calibrated, as evaluation judges clips, held against the same thresholds."""

    logit: float
    p_fake: float
    verdict: Verdict
    sentence: str


def clip_frames(bundle: Bundle) -> int:
    """How many frames of a clip are judged: as many as of those that evaluation judged the model by.

    Raises:
        DataError: the bundle does not say.
    """
    try:
        return int(bundle.params["assemble"]["clip_frames"])
    except (KeyError, TypeError, ValueError):
        raise DataError("bundle.json: params.assemble.clip_frames is missing or no number; package it again") from None


def judge_frames(answers: Sequence[Answer], calibration: Calibration) -> ClipVerdict:
    """What the answers for a clip's frames, one at least, say together."""
    logit = clip_logit([answer.logit for answer in answers])
    p_fake = calibrate(logit, calibration.temperature)
    fake = sum(answer.verdict == "fake" for answer in answers)
    sentence = f"judged from {len(answers)} frames, {fake or 'none'} of them fake by itself"
    return ClipVerdict(logit, p_fake, verdict(p_fake, calibration.thresholds), sentence)
