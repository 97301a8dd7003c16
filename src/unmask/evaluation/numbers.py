"""A slice's metrics as numbers for a report: each with its interval, or the reason why there is none."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from unmask.config import Evaluate
from unmask.evaluation.bootstrap import Floats, Independent, Interval, bounded_interval, percentiles, resampled
from unmask.evaluation.metrics import FPRS, NAMES, Scored

MIN_ROWS = 10  # of each class that a number needs
MIN_ABOVE = 3  # reals above the threshold of a metric at a false-positive rate; with fewer, intervals cover 80 to 90 %
REALS_ONLY = frozenset({"fpr"})
FAKES_ONLY = frozenset({"recall", "miss"})
NOISE = "noise of the ECE"


def measure_rows(rows: Scored, settings: Evaluate, *, seed: int) -> dict[str, dict[str, Any]]:
    """Each metric of `NAMES` as {value, low, high, n_real, n_fake}, or with value None and a `reason`."""
    lacking = {name: _lacking(rows, name) for name in NAMES}
    if all(lacking.values()):
        return {name: number(None, None, rows, reason=reason) for name, reason in lacking.items()}
    once = np.ones(len(rows.fake))
    values, gaps = rows.measure(once), rows.gaps(once)

    def measure(weights: Floats) -> dict[str, Floats]:
        return rows.measure(weights) | {NOISE: np.abs(rows.gaps(weights) - gaps).sum(axis=-1)}

    drawn = resampled(measure, rows.groups, resamples=settings.bootstrap, seed=seed)
    result = {}
    for name in NAMES:
        interval = None if lacking[name] else _interval(name, float(values[name]), drawn, rows, settings.confidence)
        reason = lacking[name] or ("" if interval else "a class vanishes from too many resamples")
        result[name] = number(None if reason else float(values[name]), interval, rows, reason=reason)
    return result


def number(value: float | None, interval: Interval | None, rows: Scored, *, reason: str = "") -> dict[str, Any]:
    """One reported number, rounded to what its interval can bear."""
    low, high = interval if interval and value is not None else (None, None)
    shown = {
        key: None if part is None else round(part, 5) for key, part in (("value", value), ("low", low), ("high", high))
    }
    return shown | {"n_real": rows.n_real, "n_fake": rows.n_fake} | ({"reason": reason} if reason else {})


def _lacking(rows: Scored, name: str) -> str:
    """Why the rows can't bear this metric; empty where they can."""
    for label, flags, other in (("real", ~rows.fake, FAKES_ONLY), ("fake", rows.fake, REALS_ONLY)):
        if name in other:
            continue
        count = int(flags.sum())
        if count < MIN_ROWS:
            return f"only {count} {label}"
        if len(np.unique(rows.groups[flags])) < 2:
            return f"every {label} is of one group"
    if name in FPRS and rows.n_real < MIN_ABOVE / FPRS[name]:
        return f"only {rows.n_real} real, where {FPRS[name]:.0%} of them needs {MIN_ABOVE / FPRS[name]:.0f}"
    return ""


def _interval(name: str, value: float, drawn: Mapping[str, Floats], rows: Scored, confidence: float) -> Interval | None:
    if name == "ece":
        return _ece_interval(value, drawn, confidence)
    if name in REALS_ONLY | FAKES_ONLY:
        independent = Independent.of_one_class(rows.groups[rows.fake == (name in FAKES_ONLY)])
    else:
        independent = Independent.of(rows.groups, rows.fake)
    return bounded_interval(value, drawn[name], independent, confidence)


def _ece_interval(value: float, drawn: Mapping[str, Floats], confidence: float) -> Interval | None:
    """From what noise alone can explain up to the resamples' percentile.

    The error is a sum of sizes: noise only adds to it, and resampling adds it again, so that percentiles lie above a
    small true error. But no error of the sum is larger than the bins' errors summed.
    """
    noise, high = (percentiles(drawn[name], confidence) for name in (NOISE, "ece"))
    return (max(0.0, value - noise[1]), max(value, high[1])) if noise and high else None
