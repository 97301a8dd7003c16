"""Small charts as inline SVG: no script, no font, colours from the page's CSS so that dark mode follows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

WIDTH, HEIGHT = 360, 270
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 40
SVG = Markup(
    '<svg viewBox="0 0 {width} {height}" role="img" aria-label="{title}" xmlns="http://www.w3.org/2000/svg">{body}</svg>'
)
EMPTY = Markup('<p class="empty">{}</p>')


@dataclass(frozen=True)
class Series:
    """A line: its legend, CSS class, and points x, y (K,); NaN points are left out."""

    name: str
    style: str
    x: npt.ArrayLike
    y: npt.ArrayLike
    dots: bool = False


@dataclass(frozen=True)
class Axes:
    """What the axes say and show; `diagonal` draws the line from corner to corner."""

    title: str
    x_label: str
    y_label: str
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    diagonal: bool = False

    def x(self, value: float) -> float:
        """Value to horizontal position."""
        low, high = self.x_range
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Value to vertical position."""
        low, high = self.y_range
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def line_chart(axes: Axes, series: Sequence[Series]) -> Markup:
    """Lines over common axes; a note where there is nothing to draw."""
    drawn = [part for part in (_line(axes, one) for one in series) if part]
    if not drawn:
        return EMPTY.format(f"{axes.title}: nothing to draw")
    return SVG.format(width=WIDTH, height=HEIGHT, title=axes.title, body=_frame(axes) + Markup("").join(drawn))


def histogram(
    axes: Axes,
    groups: Sequence[tuple[str, str, npt.NDArray[np.float64]]],
    marks: Sequence[tuple[str, float]],
) -> Markup:
    """Shares of each group (name, CSS class, values) in 25 bins from 0 to 1, with vertical MARKS (name, position)."""
    edges = np.linspace(*axes.x_range, 26)
    shares = [(name, style, np.histogram(values, edges)[0] / max(1, len(values))) for name, style, values in groups]
    top = max([float(share.max()) for *_, share in shares] + [0.01])
    scaled = Axes(axes.title, axes.x_label, axes.y_label, axes.x_range, (0.0, _nice_top(top)))
    bars = [
        Markup(
            '<rect class="bar {}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
        ).format(
            style,
            scaled.x(edges[i]) + 0.5,
            scaled.y(share[i]),
            scaled.x(edges[i + 1]) - scaled.x(edges[i]) - 1,
            scaled.y(0) - scaled.y(share[i]),
            f"{name}: {share[i]:.1%} between {edges[i]:.2f} and {edges[i + 1]:.2f}",
        )
        for name, style, share in shares
        for i in range(len(share))
        if share[i] > 0
    ]
    lines = [_mark(scaled, name, value) for name, value in marks]
    body = _frame(scaled, percent=True) + Markup("").join([*bars, *lines])
    return SVG.format(width=WIDTH, height=HEIGHT, title=axes.title, body=body)


def _line(axes: Axes, series: Series) -> Markup:
    x, y = (np.asarray(values, dtype=np.float64) for values in (series.x, series.y))
    kept = ~(np.isnan(x) | np.isnan(y))
    points = [(axes.x(float(a)), axes.y(float(b))) for a, b in zip(x[kept], y[kept], strict=True)]
    if not points:
        return Markup("")
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
    line = Markup('<polyline class="line {}" points="{}"><title>{}</title></polyline>').format(
        series.style, path, series.name
    )
    if not series.dots:
        return line
    dot = Markup('<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="3.5"><title>{}</title></circle>')
    labels = [f"{series.name}: {b:.3f} at {a:.3f}" for a, b in zip(x[kept], y[kept], strict=True)]
    return line + Markup("").join(
        dot.format(series.style, a, b, label) for (a, b), label in zip(points, labels, strict=True)
    )


def _mark(axes: Axes, name: str, value: float) -> Markup:
    x = axes.x(value)
    # Labels point away from each other where there is room for it.
    leftwards = value > 0.75 if name == "fake" else value > 0.25
    anchor, shift = ("end", -4) if leftwards else ("start", 4)
    line = Markup('<line class="mark" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>').format(x, TOP, HEIGHT - BOTTOM)
    text = Markup('<text class="mark-label" text-anchor="{}" x="{:.1f}" y="{}">{}</text>')
    return line + text.format(anchor, x + shift, TOP + (10 if name == "fake" else 24), f"{name} {value:.2f}")


def _frame(axes: Axes, *, percent: bool = False) -> Markup:
    parts = []
    for value in _ticks(*axes.y_range):
        y = axes.y(value)
        parts.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(LEFT, WIDTH - RIGHT, y=y)
        )
        text = f"{value:.0%}" if percent else f"{value:g}"
        parts.append(
            Markup('<text class="tick" text-anchor="end" x="{}" y="{:.1f}">{}</text>').format(LEFT - 6, y + 4, text)
        )
    for value in _ticks(*axes.x_range):
        place = (axes.x(value), HEIGHT - BOTTOM + 16, f"{value:g}")
        parts.append(Markup('<text class="tick" text-anchor="middle" x="{:.1f}" y="{}">{}</text>').format(*place))
    if axes.diagonal:
        corners = (axes.x(axes.x_range[0]), axes.y(axes.y_range[0]), axes.x(axes.x_range[1]), axes.y(axes.y_range[1]))
        parts.append(
            Markup('<line class="diagonal" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(*corners)
        )
    middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
    parts.append(
        Markup('<text class="axis" text-anchor="middle" x="{}" y="{}">{}</text>').format(
            middle, HEIGHT - 6, axes.x_label
        )
    )
    height = TOP + (HEIGHT - TOP - BOTTOM) / 2
    turned = Markup('<text class="axis" text-anchor="middle" transform="rotate(-90 11 {0})" x="11" y="{0}">{1}</text>')
    parts.append(turned.format(height, axes.y_label))
    return Markup("").join(parts)


def _ticks(low: float, high: float) -> list[float]:
    step = 10.0 ** np.floor(np.log10(max(high - low, 1e-9)))
    for finer in (1.0, 0.5, 0.2, 0.1):
        if (high - low) / (step * finer) >= 3.5:
            step *= finer
            break
    first = np.ceil(low / step - 1e-9)
    return [round(float(step * k), 10) + 0.0 for k in np.arange(first, np.floor(high / step + 1e-9) + 1)]


def _nice_top(value: float) -> float:
    step = 10.0 ** np.floor(np.log10(value))
    return float(next(step * factor for factor in (1, 2, 5, 10) if step * factor >= value))
