"""Intervals on a common track, drawn by the page's CSS; the figures stand beside it as text."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from unmask.evaluation.report.axes import Scale
from unmask.evaluation.report.numbers import Number


@dataclass(frozen=True)
class Lane:
    """One number: its name, CSS class, and where it stands in percent of the track (None without a value)."""

    name: str
    style: str
    number: Number
    left: float | None
    width: float | None
    centre: float | None


@dataclass(frozen=True)
class Track:
    """Lanes above each other; `diamond` and `line` are marks of the whole track, in percent or None."""

    lanes: Sequence[Lane]
    diamond: float | None = None
    line: float | None = None


def track(
    scale: Scale,
    numbers: Iterable[tuple[str, str, Number]],
    *,
    diamond: float | None = None,
    line: float | None = None,
) -> Track:
    """Place NUMBERS (name, CSS class, number) and the two marks on SCALE."""

    def place(value: float | None) -> float | None:
        return None if value is None else round(100 * scale.place(value), 2)

    lanes = []
    for name, style, number in numbers:
        left, right = place(number.low), place(number.high)
        width = None if left is None or right is None else round(right - left, 2)
        lanes.append(Lane(name, style, number, left, width, place(number.value)))
    return Track(lanes, place(diamond), place(line))


def auc_scale(values: Iterable[float | None]) -> Scale:
    """From 0.5, or from the tenth below the lowest value, to 1."""
    lowest = min([value for value in values if value is not None] + [0.5])
    return Scale(max(0.0, math.floor(lowest * 10 + 1e-9) / 10), 1.0)
