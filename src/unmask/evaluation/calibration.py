"""Temperature and thresholds, chosen on validation rows only."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.stats import beta

from unmask.config import Evaluate
from unmask.errors import DataError
from unmask.evaluation.bootstrap import effective_rows, group_codes
from unmask.serving.verdict import Thresholds, calibrate

Floats = npt.NDArray[np.float64]
TEMPERATURES = (0.02, 50.0)  # wide enough for any sane detector; an optimum at an end is reported
MIN_ROWS = 10  # of each class; fewer can't hold a threshold at all
CONFIDENCE = 0.95  # of every promise, over the draw of the validation rows


@dataclass(frozen=True)
class Promise:
    """What a threshold was chosen for and what its rows can promise of rows that are exchangeable with them.

    `meant` is the error rate asked for; `promised` is the rate that holds with 95 % confidence over the draw of the
    validation rows, at most `meant` where there are enough of them; `rows` and `independent` count these rows, as they
    are and as if rows of a group were copies.
    """

    meant: float
    promised: float
    rows: int
    independent: int
    note: str


@dataclass(frozen=True)
class Calibration:
    """Temperature and thresholds of one candidate, with what can be promised and remarks for a reader."""

    temperature: float
    thresholds: Thresholds
    fake: Promise
    real: Promise
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return dataclasses.asdict(self) | {"thresholds": self.thresholds.to_dict(), "notes": list(self.notes)}


def fit(
    *, logit: npt.ArrayLike, fake: npt.ArrayLike, seen: npt.ArrayLike, groups: npt.ArrayLike, settings: Evaluate
) -> Calibration:
    """Calibrate on validation rows (N,): log-odds of fake, truth, whether the generator is a seen one, and group.

    Raises:
        DataError: fewer than ten reals or ten fakes of seen generators, or a score that is not finite.
    """
    scores, truth = np.asarray(logit, dtype=np.float64), np.asarray(fake, dtype=np.bool_)
    codes = group_codes(groups)
    known_fake = truth & np.asarray(seen, dtype=np.bool_)
    reals, fakes = int((~truth).sum()), int(known_fake.sum())
    if min(reals, fakes) < MIN_ROWS:
        raise DataError(
            f"validation has {reals} reals and {fakes} fakes of seen generators, calibration needs {MIN_ROWS} of each; "
            "raise assemble.val_fraction or ingest more"
        )
    if not np.isfinite(scores).all():
        odd = np.count_nonzero(~np.isfinite(scores))
        raise DataError(f"{odd} of {len(scores)} validation scores are not finite; train the detector again")
    used = known_fake | ~truth
    temperature = fit_temperature(scores[used], truth[used])
    p = np.asarray(calibrate(scores, temperature))
    high, fake_promise = upper_threshold(p[~truth], codes[~truth], settings.fake_fpr)
    # A fake below the lower threshold is a miss: the same rule on the mirrored scores.
    mirrored, real_promise = upper_threshold(-p[known_fake], codes[known_fake], settings.real_miss)
    low, notes = _uncross(-mirrored, high)
    if temperature in TEMPERATURES or min(abs(temperature - end) / end for end in TEMPERATURES) < 1e-2:
        notes.append(f"The temperature {temperature:.3g} stands at the end of its range; the scores carry no scale.")
    notes += [promise.note for promise in (fake_promise, real_promise) if promise.note]
    thresholds = Thresholds(high, low, settings.fake_fpr, settings.real_miss, reals, fakes)
    return Calibration(temperature, thresholds, fake_promise, real_promise, tuple(notes))


def fit_temperature(logit: Floats, fake: npt.NDArray[np.bool_]) -> float:
    """Temperature that minimises the negative log-likelihood of sigmoid(logit / T) (Guo et al. 2017).

    Each class weighs half, so that the probability is for a picture as likely real as fake whatever the mixture here;
    targets are Platt's (n + 1)/(n + 2) and 1/(n + 2), which keeps T finite where the classes are separable.
    """
    fakes, reals = int(fake.sum()), int((~fake).sum())
    target = np.where(fake, (fakes + 1) / (fakes + 2), 1 / (reals + 2))
    weight = np.where(fake, 0.5 / fakes, 0.5 / reals)

    def loss(log_temperature: float) -> float:
        scaled = logit / math.exp(log_temperature)
        return float(weight @ (np.logaddexp(0.0, scaled) - target * scaled))

    bounds = (math.log(TEMPERATURES[0]), math.log(TEMPERATURES[1]))
    found = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return float(math.exp(found.x))


def upper_threshold(scores: Floats, groups: npt.NDArray[np.int64], rate: float) -> tuple[float, Promise]:
    """Smallest of the scores (N,) such that, with 95 % confidence, a new row lies above it at most at RATE.

    With x of n exchangeable rows above it, the share of new ones above it is Beta(x + 1, n - x) distributed (Vovk 2012,
    conditional validity of split conformal prediction), so x is the largest whose 95 % quantile keeps RATE. Rows of a
    group count as copies: both n and x shrink to Kish's effective number of rows (Korn and Graubard 1998). Where even
    x = 0 does not keep RATE, the threshold is the largest score and the promise says what it keeps.
    """
    n, independent = len(scores), effective_rows(groups)
    above = np.arange(math.floor(rate * n) + 1)
    errors = above * independent / n
    promises = np.atleast_1d(beta.ppf(CONFIDENCE, errors + 1, independent - errors))
    kept = max(0, int(np.searchsorted(promises, rate, side="right")) - 1)
    promised = float(promises[kept])
    note = _too_few(rate, independent, promised) if promised > rate else ""
    return float(np.sort(scores)[n - 1 - kept]), Promise(rate, promised, n, math.floor(independent), note)


def rows_for(rate: float) -> int:
    """Independent rows that must all lie below a threshold to promise RATE: 59 for 5 %, 149 for 2 %, 299 for 1 %."""
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(1 - rate))


def _too_few(rate: float, independent: float, promised: float) -> str:
    return (
        f"A rate of {rate:.1%} needs at least {rows_for(rate)} independent validation rows even with no error among "
        f"them; here are {independent:.0f}, which promise {promised:.1%} with {CONFIDENCE:.0%} confidence."
    )


def _uncross(low: float, high: float) -> tuple[float, list[str]]:
    if low <= high:
        return low, []
    note = (
        "Both error rates can be kept without an uncertain band, so the two thresholds are one: "
        f"{high:.3f}, the one for real pictures (fakes alone would have allowed {low:.3f})."
    )
    return high, [note]
