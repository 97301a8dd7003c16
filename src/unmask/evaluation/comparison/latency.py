"""The challenger's latency: measured here and now, because times of another machine say nothing about this one."""

import statistics
from collections.abc import Sequence

import numpy as np
from scipy.stats import binom

from unmask.evaluation.bootstrap import Interval
from unmask.evaluation.comparison.rule import Latency
from unmask.evaluation.comparison.sides import Side
from unmask.serving.latency import latencies_ms
from unmask.serving.runtime import Runtime


def measure_latency(side: Side, *, confidence: float) -> Latency:
    """Median time of the side's bundle over the pictures of its self-test, with the order statistics' interval.

    Raises:
        DataError: the bundle is damaged.
    """
    if not side.bundle.is_dir():
        return Latency(None, None, f"no bundle in {side.bundle}; run `dvc repro package`")
    runtime = Runtime(side.bundle, threads=1)
    stale = _stale(runtime, side)
    if stale:
        return Latency(None, None, f"{side.bundle} {stale}; run `dvc repro package`")
    crops = np.stack([runtime.prepare(test.picture()) for test in runtime.bundle.self_test])
    times = latencies_ms(runtime, crops)
    return Latency(statistics.median(times), median_interval(times, confidence))


def median_interval(values: Sequence[float], confidence: float) -> Interval:
    """Distribution-free interval of a median: two order statistics (Conover 1999, section 3.2)."""
    ordered = sorted(values)
    outer = max(0, int(binom.ppf((1 - confidence) / 2, len(ordered), 0.5)) - 1)
    return ordered[outer], ordered[-1 - outer]


def _stale(runtime: Runtime, side: Side) -> str:
    """Why the bundle is not the candidate that was evaluated; empty where it is."""
    if runtime.bundle.candidate != side.candidate:
        return f"holds the {runtime.bundle.candidate}"
    served = runtime.bundle.calibration
    if runtime.bundle.precision.served == "float32" and (served.temperature, served.thresholds) != (
        side.temperature,
        side.thresholds,
    ):
        return "is of another evaluation"
    return ""
