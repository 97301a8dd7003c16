import dataclasses

import numpy as np
import pytest

from unmask.serving.bundle import Calibration
from unmask.serving.clips.verdict import judge_frames
from unmask.serving.runtime import Answer
from unmask.serving.verdict import Thresholds, calibrate, verdict

CALIBRATION = Calibration(2.0, Thresholds(0.8, 0.3), 0.04, 0.08, [])


def answer(logit):
    p_fake = calibrate(logit, CALIBRATION.temperature)
    return Answer(p_fake, logit, verdict(p_fake, CALIBRATION.thresholds), {}, "", np.zeros(1, np.float32))


def test_a_clip_is_the_mean_of_its_frames_log_odds():
    said = judge_frames([answer(logit) for logit in (6.0, 1.0, -1.0)], CALIBRATION)
    assert said.logit == pytest.approx(2.0)
    assert said.p_fake == pytest.approx(1 / (1 + np.exp(-1)))
    assert said.verdict == "uncertain"
    assert said.sentence == "from the mean log-odds of 3 frames, 1 of them fake"


@pytest.mark.parametrize(("logit", "said"), [(-4.0, "real"), (4.0, "fake")])
def test_the_thresholds_are_those_of_pictures(logit, said):
    assert judge_frames([answer(logit)], CALIBRATION).verdict == answer(logit).verdict == said


def test_another_temperature_moves_the_probability_and_not_the_log_odds():
    colder = dataclasses.replace(CALIBRATION, temperature=1.0)
    frames = [answer(1.0), answer(2.0)]
    one, other = judge_frames(frames, CALIBRATION), judge_frames(frames, colder)
    assert one.logit == other.logit
    assert one.p_fake < other.p_fake
