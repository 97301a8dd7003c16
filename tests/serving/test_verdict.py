import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.errors import DataError
from unmask.serving.verdict import Thresholds, calibrate, clip_logit, clip_logits, verdict, verdicts

PAIR = Thresholds(fake=0.8, real=0.3, fake_fpr=0.02, real_miss=0.05, n_real=240, n_fake=240)


@pytest.mark.parametrize(
    ("p", "expected"),
    [(0.0, "real"), (0.29, "real"), (0.3, "uncertain"), (0.8, "uncertain"), (0.81, "fake"), (1.0, "fake")],
)
def test_a_verdict_needs_a_probability_beyond_its_threshold(p: float, expected: str) -> None:
    assert verdict(p, PAIR) == expected


def test_verdicts_keep_the_shape() -> None:
    assert verdicts([[0.1, 0.9], [0.5, 0.2]], PAIR).tolist() == [["real", "fake"], ["uncertain", "real"]]


@given(st.floats(-1e6, 1e6), st.floats(0.02, 50))
def test_calibration_is_the_logistic_of_the_scaled_score_and_never_overflows(logit: float, temperature: float) -> None:
    p = calibrate(logit, temperature)
    assert 0.0 <= p <= 1.0
    assert p + calibrate(-logit, temperature) == pytest.approx(1.0)


def test_calibration_of_a_float32_score_is_done_in_double_precision() -> None:
    assert calibrate(np.float32(20.0), 1.0) == pytest.approx(1 / (1 + math.exp(-20)), abs=1e-16)
    assert calibrate(np.float32(20.0), 1.0) < 1.0


def test_a_clip_s_log_odds_are_the_mean_of_its_frames_in_double_precision() -> None:
    assert clip_logits([1.0, 5.0, 3.0, -1.0], [1, 0, 1, 0]).tolist() == [2.0, 2.0]
    assert clip_logit(np.array([16_777_216, 1, 1], np.float32)) == (16_777_216 + 2) / 3


@given(st.lists(st.tuples(st.floats(-50, 50), st.integers(0, 3)), min_size=1))
def test_many_clips_at_once_are_the_same_as_one_by_one(frames: list[tuple[float, int]]) -> None:
    logits, numbers = zip(*frames, strict=True)
    present = sorted(set(numbers))
    expected = [clip_logit([logit for logit, clip in frames if clip == number]) for number in present]
    assert clip_logits(logits, [present.index(clip) for clip in numbers]) == pytest.approx(expected)


def test_thresholds_survive_json() -> None:
    assert Thresholds.from_dict(PAIR.to_dict() | {"more": 1}) == PAIR


@pytest.mark.parametrize("value", [{}, {"fake": 0.5}, {"fake": "x", "real": 0.1}, {"fake": 0.2, "real": 0.5}])
def test_unsound_thresholds_are_refused(value: dict[str, object]) -> None:
    with pytest.raises(DataError, match="thresholds"):
        Thresholds.from_dict(value)


def test_the_verdict_needs_no_heavy_library() -> None:
    code = "import sys, unmask.serving.verdict; print([m for m in ('torch', 'pandas', 'sklearn') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
