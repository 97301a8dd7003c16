"""Axes of a chart: which value stands where, and what is written beside it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

from markupsafe import Markup

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 360, 58, 14, 12, 42
MIN_TICKS = 3.5  # steps between ticks are halved until there are more
ROOM_X, ROOM_Y = 32.0, 13.0  # a tick nearer to the one before is left out


def plain(value: float) -> str:
    """A tick without trailing zeros."""
    return f"{value:g}"


def share(value: float) -> str:
    """A tick in percent."""
    return f"{100 * value:g} %"


def linear(value: float) -> float:
    """Equal steps, equal distances."""
    return value


def normal_deviate(value: float) -> float:
    """Distances of a detection error trade-off plot: normal scores give straight lines (Martin et al. 1997)."""
    return NormalDist().inv_cdf(value)


@dataclass(frozen=True)
class Scale:
    """From LOW to HIGH, `warp` giving the distances; ticks are chosen where none are given."""

    low: float = 0.0
    high: float = 1.0
    form: Callable[[float], str] = plain
    warp: Callable[[float], float] = linear
    ticks: Sequence[float] = ()

    def place(self, value: float) -> float:
        """Where a value stands, 0 to 1; values beyond an end stand at that end."""
        first, last = self.warp(self.low), self.warp(self.high)
        return (self.warp(min(max(value, self.low), self.high)) - first) / (last - first)

    def marks(self) -> Sequence[float]:
        """Values that are written beside the axis."""
        return self.ticks or _round_values(self.low, self.high)


@dataclass(frozen=True)
class Axes:
    """What a chart says and how it is scaled; `diagonal` joins the corners, `level` is a dashed horizontal line."""

    title: str
    x_label: str
    y_label: str
    x: Scale = field(default_factory=Scale)
    y: Scale = field(default_factory=Scale)
    diagonal: bool = False
    level: float | None = None
    height: int = 270

    def across(self, value: float) -> float:
        """Value to horizontal position in the drawing."""
        return LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)

    def down(self, value: float) -> float:
        """Value to vertical position in the drawing."""
        return self.height - BOTTOM - self.y.place(value) * (self.height - TOP - BOTTOM)

    def frame(self) -> Markup:
        """Grid, ticks and labels as SVG."""
        floor = self.height - BOTTOM
        across, down = _apart(self.x.marks(), self.across, ROOM_X), _apart(self.y.marks(), self.down, ROOM_Y)
        parts = [_LINE.format("grid", LEFT, self.down(v), WIDTH - RIGHT, self.down(v)) for v in down]
        parts += [_TEXT.format("end", LEFT - 6, self.down(v) + 4, self.y.form(v)) for v in down]
        parts += [_TEXT.format("middle", self.across(v), floor + 16, self.x.form(v)) for v in across]
        parts.append(_LINE.format("base", LEFT, floor, WIDTH - RIGHT, floor))
        if self.diagonal:
            ends = (self.across(self.x.low), self.down(self.y.low), self.across(self.x.high), self.down(self.y.high))
            parts.append(_LINE.format("guide", *ends))
        if self.level is not None:
            parts.append(_LINE.format("guide", LEFT, self.down(self.level), WIDTH - RIGHT, self.down(self.level)))
        middle = (TOP + floor) / 2
        parts.append(_TEXT.format("middle", (LEFT + WIDTH - RIGHT) / 2, self.height - 6, self.x_label))
        return Markup("").join([*parts, _TURNED.format(middle, self.y_label)])


_LINE = Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>')
_TEXT = Markup('<text text-anchor="{}" x="{:.1f}" y="{:.1f}">{}</text>')
_TURNED = Markup('<text text-anchor="middle" transform="rotate(-90 11 {0})" x="11" y="{0}">{1}</text>')


def _apart(values: Sequence[float], place: Callable[[float], float], room: float) -> list[float]:
    """Values that stand at least ROOM from the one kept before."""
    kept: list[float] = []
    for value in values:
        if not kept or abs(place(value) - place(kept[-1])) >= room:
            kept.append(value)
    return kept


def _round_values(low: float, high: float) -> list[float]:
    step = 10.0 ** math.floor(math.log10(max(high - low, 1e-9)))
    finer = next((part for part in (1.0, 0.5, 0.2) if (high - low) / (step * part) >= MIN_TICKS), 0.1)
    step *= finer
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(step * k, 10) + 0.0 for k in range(first, last + 1)]
