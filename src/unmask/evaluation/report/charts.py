"""Small charts as inline SVG: no script, no font, colours from the page's CSS so that dark mode follows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from unmask.evaluation.report.axes import BOTTOM, TOP, WIDTH, Axes, Scale, share

BINS = 25
SVG = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
EMPTY = Markup('<p class="none">{}: nothing to draw.</p>')


@dataclass(frozen=True)
class Series:
    """A line with its interval: name, CSS class, points x, y (K,), ends low, high (K,) or none; NaN is left out."""

    name: str
    style: str
    x: npt.ArrayLike
    y: npt.ArrayLike
    low: npt.ArrayLike | None = None
    high: npt.ArrayLike | None = None
    dots: bool = False


@dataclass(frozen=True)
class Points:
    """A series where it has values, (K,) each."""

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]

    @classmethod
    def of(cls, series: Series) -> "Points":
        """Points with both coordinates; a missing end of an interval stands where the value is."""
        x, y = (np.asarray(values, dtype=np.float64) for values in (series.x, series.y))
        ends = [y if end is None else np.asarray(end, dtype=np.float64) for end in (series.low, series.high)]
        low, high = (np.where(np.isnan(end), y, end) for end in ends)
        kept = ~(np.isnan(x) | np.isnan(y))
        return cls(x[kept], y[kept], low[kept], high[kept])


def line_chart(axes: Axes, series: Sequence[Series], summary: str = "") -> Markup:
    """Lines over common axes with bands or whiskers for intervals; a note where there is nothing to draw.

    SUMMARY is read aloud after the title in place of the picture.
    """
    points = [(one, Points.of(one)) for one in series]
    drawn = [(one, found) for one, found in points if len(found.x)]
    if not drawn:
        return EMPTY.format(axes.title)
    bands = [_interval(axes, one, found) for one, found in drawn if one.low is not None]
    lines = [_line(axes, one, found) for one, found in drawn]
    return _svg(axes, [*bands, *lines], summary or ", ".join(one.name for one, _ in drawn))


def histogram(
    axes: Axes,
    groups: Sequence[tuple[str, str, npt.NDArray[np.float64]]],
    marks: Sequence[tuple[str, float]],
    form: Callable[[float], str],
) -> Markup:
    """Shares of each group (name, CSS class, values) in BINS bins from 0 to 1, with vertical MARKS (name, position)."""
    edges = np.linspace(axes.x.low, axes.x.high, BINS + 1)
    shares = [(name, style, np.histogram(values, edges)[0] / max(1, len(values))) for name, style, values in groups]
    top = max([float(part.max()) for *_, part in shares] + [0.01])
    scaled = replace(axes, y=Scale(0.0, _nice_top(top), share))
    bars = [_bar(scaled, style, edges[i : i + 2], part[i]) for _, style, part in shares for i in range(BINS) if part[i]]
    lines = [_mark(scaled, name, value, form) for name, value in marks]
    summary = "; ".join(f"{name}: median {form(float(np.median(v)))}" for name, _, v in groups if len(v))
    return _svg(scaled, [*bars, *lines], summary)


def _svg(axes: Axes, parts: Sequence[Markup], summary: str) -> Markup:
    return SVG.format(WIDTH, axes.height, f"{axes.title}. {summary}", axes.frame() + Markup("").join(parts))


def _path(axes: Axes, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> str:
    return " ".join(f"{axes.across(float(a)):.1f},{axes.down(float(b)):.1f}" for a, b in zip(x, y, strict=True))


def _interval(axes: Axes, series: Series, points: Points) -> Markup:
    if series.dots:
        whisker = Markup('<line class="whisker {}" x1="{x:.1f}" x2="{x:.1f}" y1="{:.1f}" y2="{:.1f}"/>')
        ends = zip(points.x, points.low, points.high, strict=True)
        drawn = (whisker.format(series.style, axes.down(a), axes.down(b), x=axes.across(x)) for x, a, b in ends)
        return Markup("").join(drawn)
    outline = _path(axes, np.append(points.x, points.x[::-1]), np.append(points.low, points.high[::-1]))
    return Markup('<polygon class="band {}" points="{}"/>').format(series.style, outline)


def _line(axes: Axes, series: Series, points: Points) -> Markup:
    line = Markup('<polyline class="line {}" points="{}"/>').format(series.style, _path(axes, points.x, points.y))
    if not series.dots and len(points.x) > 1:
        return line
    dot = Markup('<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="3.2"><title>{}</title></circle>')
    each = zip(points.x, points.y, strict=True)
    dots = (
        dot.format(
            series.style,
            axes.across(x),
            axes.down(y),
            f"{series.name}: {axes.y_label} {axes.y.form(round(y, 4))} at {axes.x_label} {axes.x.form(round(x, 4))}",
        )
        for x, y in each
    )
    return line + Markup("").join(dots)


def _bar(axes: Axes, style: str, edges: npt.NDArray[np.float64], value: float) -> Markup:
    left, right = (axes.across(float(edge)) for edge in edges)
    top, floor = axes.down(value), axes.down(0.0)
    bar = Markup('<rect class="bar {}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>')
    return bar.format(style, left + 0.5, top, right - left - 1, floor - top)


def _mark(axes: Axes, name: str, value: float, form: Callable[[float], str]) -> Markup:
    x = axes.across(value)
    # Labels point away from each other where there is room for it.
    leftwards = value > 0.75 if name == "fake" else value > 0.25
    anchor, shift = ("end", -4) if leftwards else ("start", 4)
    line = Markup('<line class="mark" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>').format(
        x, TOP, axes.height - BOTTOM
    )
    text = Markup('<text class="mark-label" text-anchor="{}" x="{:.1f}" y="{}">{}</text>')
    return line + text.format(anchor, x + shift, TOP + (10 if name == "fake" else 24), f"{name} {form(value)}")


def _nice_top(value: float) -> float:
    step = 10.0 ** math.floor(math.log10(value))
    return float(next(step * factor for factor in (1, 2, 5, 10) if step * factor >= value - 1e-12))
