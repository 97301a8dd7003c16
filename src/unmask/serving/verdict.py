"""From a detector's log-odds to a verdict: the one definition that evaluation and service share (NumPy only)."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, cast

import numpy as np
import numpy.typing as npt

from unmask.errors import DataError

Verdict = Literal["real", "fake", "uncertain"]
Scores = TypeVar("Scores", float, npt.NDArray[np.float64])


@dataclass(frozen=True)
class Thresholds:
    """Two calibrated probabilities, the error rates they are meant for, and how many rows chose them.

    `fake_fpr` is the share of reals meant to be above `fake`, `real_miss` the share of fakes meant to be below `real`.
    """

    fake: float
    real: float
    fake_fpr: float = 0.0
    real_miss: float = 0.0
    n_real: int = 0
    n_fake: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.real <= self.fake <= 1.0:
            raise DataError(
                f"thresholds: real {self.real} and fake {self.fake} must rise within 0 and 1; calibrate again"
            )

    def to_dict(self) -> dict[str, float | int]:
        """The fields by name, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Thresholds":
        """Take the fields from JSON; other keys are ignored.

        Raises:
            DataError: a threshold is missing or not a number.
        """
        try:
            return cls(
                fake=float(value["fake"]),
                real=float(value["real"]),
                fake_fpr=float(value.get("fake_fpr", 0.0)),
                real_miss=float(value.get("real_miss", 0.0)),
                n_real=int(value.get("n_real", 0)),
                n_fake=int(value.get("n_fake", 0)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"thresholds: {error} is missing or not a number; calibrate again") from None


def calibrate(logit: Scores, temperature: float) -> Scores:
    """Calibrated probability of fake, sigmoid(logit / temperature), in float64 for a number or an array."""
    scaled = np.asarray(logit, dtype=np.float64) / temperature
    # exp of a negative number only, so that no score overflows.
    small = np.exp(-np.abs(scaled))
    probability = np.where(scaled >= 0, 1.0 / (1.0 + small), small / (1.0 + small))
    return cast("Scores", float(probability) if probability.ndim == 0 else probability)


def clip_logits(logits: npt.ArrayLike, clips: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Log-odds of each clip, the mean of its frames': (F,) log-odds and clip numbers 0..C - 1 of F frames give (C,).

    Log-odds, because a mean of probabilities would rank clips differently at another temperature, and because frames
    beyond a probability of 0.999 would all count alike.
    """
    numbers = np.asarray(clips, dtype=np.intp)
    return np.bincount(numbers, weights=np.asarray(logits, dtype=np.float64)) / np.bincount(numbers)


def clip_logit(logits: npt.ArrayLike) -> float:
    """Log-odds of one clip from those of its frames; see `clip_logits`."""
    return float(clip_logits(logits, np.zeros(np.shape(logits), dtype=np.intp))[0])


def verdicts(p: npt.ArrayLike, thresholds: Thresholds) -> npt.NDArray[np.str_]:
    """Verdict for each calibrated probability, shape kept: fake above `fake`, real below `real`, else uncertain.

    A probability equal to a threshold is uncertain: the rate promised for a threshold counts what is beyond it.
    """
    values = np.asarray(p, dtype=np.float64)
    return np.where(values > thresholds.fake, "fake", np.where(values < thresholds.real, "real", "uncertain"))


def verdict(p: float, thresholds: Thresholds) -> Verdict:
    """Verdict for one calibrated probability; see `verdicts`."""
    return cast("Verdict", str(verdicts(p, thresholds)))
