import json

import pytest

from unmask.evaluation.calibration import Calibration, Promise
from unmask.evaluation.promises import check_promises
from unmask.serving.verdict import Thresholds

CALIBRATION = Calibration(
    temperature=1.0,
    thresholds=Thresholds(0.9, 0.2),
    fake=Promise(meant=0.02, promised=0.02, rows=300, independent=300, note=""),
    real=Promise(meant=0.05, promised=0.06, rows=40, independent=40, note=""),
    notes=(),
)


def _number(value: float | None, low: float | None = None) -> dict[str, float | int | None]:
    return {"value": value, "low": low, "high": 0.2, "n_real": 50, "n_fake": 40}


@pytest.mark.parametrize(
    ("value", "low", "held", "refuted"),
    [(0.02, 0.0, True, False), (0.03, 0.01, False, False), (0.06, 0.03, False, True)],
)
def test_a_promise_is_held_against_the_test_rows(value: float, low: float, held: bool, refuted: bool) -> None:
    found = check_promises(CALIBRATION, {"fpr": _number(value, low), "miss": _number(0.0, 0.0)})["fake"]
    assert (found["held"], found["refuted"]) == (held, refuted)
    assert found["test"]["n_real"] == 50


def test_each_threshold_has_its_own_error() -> None:
    found = check_promises(CALIBRATION, {"fpr": _number(0.0, 0.0), "miss": _number(0.07, 0.061)})
    assert (found["fake"]["held"], found["real"]["held"]) == (True, False)
    assert found["real"]["promised"] == 0.06


def test_too_few_test_rows_say_neither() -> None:
    found = check_promises(CALIBRATION, {"fpr": _number(None)})
    assert all(check["held"] is None and check["refuted"] is None for check in found.values())
    json.dumps(found, allow_nan=False)
