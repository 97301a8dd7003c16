"""A clip's verdict from its frames': the one definition that service and `unmask predict` share."""

from collections.abc import Sequence
from dataclasses import dataclass

from unmask.serving.bundle import Calibration
from unmask.serving.runtime import Answer
from unmask.serving.verdict import Verdict, calibrate, clip_logit, verdict


@dataclass(frozen=True)
class ClipVerdict:
    """The mean of the frames' log-odds, calibrated, as evaluation judges clips, held against the same thresholds."""

    logit: float
    p_fake: float
    verdict: Verdict
    sentence: str


def judge_frames(answers: Sequence[Answer], calibration: Calibration) -> ClipVerdict:
    """What the answers for a clip's frames, one at least, say together."""
    logit = clip_logit([answer.logit for answer in answers])
    p_fake = calibrate(logit, calibration.temperature)
    fake = sum(answer.verdict == "fake" for answer in answers)
    sentence = f"from the mean log-odds of {len(answers)} frames, {fake} of them fake"
    return ClipVerdict(logit, p_fake, verdict(p_fake, calibration.thresholds), sentence)
