import numpy as np
import pandas as pd

from unmask.evaluation.comparison.latency import measure_latency, median_interval
from unmask.evaluation.comparison.sides import read_side


def test_a_side_without_bundle_has_no_latency_and_says_why(write, frame: pd.DataFrame) -> None:
    found = measure_latency(read_side(write("a", frame)), confidence=0.95)
    assert found.milliseconds is None
    assert "dvc repro package" in found.reason


def test_the_interval_covers_the_median() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(500):
        low, high = median_interval(generator.exponential(size=30).tolist(), 0.95)
        covered += low <= np.log(2) <= high
    assert covered >= 465
