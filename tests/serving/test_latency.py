from pathlib import Path

import pandas as pd
import pytest

from unmask.evaluation.comparison.latency import measure_latency
from unmask.evaluation.comparison.sides import Side
from unmask.serving.verdict import Thresholds

SERVED = Thresholds(0.8, 0.3, 0.02, 0.05, 249, 198)


def _side(bundle: Path, *, candidate: str = "student", temperature: float = 2.0) -> Side:
    return Side(
        name="b",
        candidate=candidate,
        test=pd.DataFrame(),
        thresholds=SERVED,
        temperature=temperature,
        references={},
        fpr={},
        tiers=None,
        regression=None,
        bundle=bundle,
    )


def test_the_latency_of_a_bundle_has_an_interval(shared_bundle: Path) -> None:
    found = measure_latency(_side(shared_bundle), confidence=0.95)
    assert found.interval is not None
    assert 0 < found.interval[0] <= found.milliseconds <= found.interval[1]


@pytest.mark.parametrize(
    ("candidate", "temperature", "told"),
    [("teacher", 2.0, "holds the student"), ("student", 1.0, "another evaluation")],
)
def test_a_bundle_of_something_else_is_not_timed(
    shared_bundle: Path, candidate: str, temperature: float, told: str
) -> None:
    found = measure_latency(_side(shared_bundle, candidate=candidate, temperature=temperature), confidence=0.95)
    assert found.milliseconds is None
    assert told in found.reason
