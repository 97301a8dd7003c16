"""A measured number as the page shows it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from unmask.errors import DataError

NOT_MEASURED = "not measured"
MINUS, DASH = "\N{MINUS SIGN}", "\N{EN DASH}"


@dataclass(frozen=True)
class Number:
    """A value with its interval and the rows it rests on, or None with the reason."""

    value: float | None
    low: float | None
    high: float | None
    n_real: int | None = None
    n_fake: int | None = None
    reason: str = ""


NOTHING = Number(None, None, None, reason=NOT_MEASURED)


def number(record: object) -> Number:
    """Read what `measure_slice` writes of a metric; None stands for one that was not measured.

    Raises:
        DataError: it is no such record, or not finite.
    """
    if record is None:
        return NOTHING
    if not isinstance(record, Mapping):
        raise DataError(f"{record!r} is no measured number")
    value, low, high = (_finite(record.get(name)) for name in ("value", "low", "high"))
    n_real, n_fake = (None if record.get(name) is None else int(record[name]) for name in ("n_real", "n_fake"))
    reason = str(record.get("reason") or NOT_MEASURED) if value is None else ""
    return Number(value, low, high, n_real, n_fake, reason)


def _finite(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(f"{value!r} is no finite number")
    return float(value)


def three(value: float | None) -> str:
    """A number to three digits with a true minus sign, or a dash."""
    return DASH if value is None else f"{value:.3f}".replace("-", MINUS)


def percent(value: float | None) -> str:
    """A share in percent to one digit with a true minus sign, or a dash."""
    return DASH if value is None else f"{100 * value:.1f} %".replace("-", MINUS)
