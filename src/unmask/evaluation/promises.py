"""The promises of the two thresholds, made on validation rows, held against test rows."""

from collections.abc import Mapping
from typing import Any

from unmask.evaluation.calibration import Calibration, Promise

METRICS = {"fake": "fpr", "real": "miss"}  # the error beyond each threshold


def check_promises(calibration: Calibration, seen: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """For each threshold {meant, promised, test, held, refuted}, JSON-ready.

    SEEN are the measured metrics of test rows as exchangeable with validation ones as there are: the reals and the
    fakes of seen generators. `test` is the error among them with its interval; `held` says that it is at most the
    promised one, which chance alone can break where both are close; `refuted`, that all of its interval is above. Both
    are None where the test rows are too few for a number.
    """
    promises: dict[str, Promise] = {"fake": calibration.fake, "real": calibration.real}
    return {name: _check(promise, seen.get(METRICS[name], {})) for name, promise in promises.items()}


def _check(promise: Promise, test: Mapping[str, Any]) -> dict[str, Any]:
    value, low = test.get("value"), test.get("low")
    return {
        "meant": promise.meant,
        "promised": promise.promised,
        "test": dict(test),
        "held": None if value is None else value <= promise.promised,
        "refuted": None if low is None else low > promise.promised,
    }
