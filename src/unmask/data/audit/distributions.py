"""How size, quality, sharpness and brightness are spread over the labels of each source, as small inline SVG charts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unmask.console import plain_number
from unmask.data.manifest import LABELS

BINS = 24
MOST_SOURCES = 12
WIDTH, HEIGHT = 240, 64
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Quantity:
    """Something measured of each row; `on_axis` turns a value into its place on the axis, `back` undoes it."""

    name: str
    of: Callable[[pd.DataFrame], pd.Series]
    on_axis: Callable[[Values], Values]
    back: Callable[[Values], Values]


def _side(rows: pd.DataFrame) -> pd.Series:
    return pd.Series(np.sqrt(rows["picture_width"].astype(float) * rows["picture_height"]))


def _quality(rows: pd.DataFrame) -> pd.Series:
    quality = rows["jpeg_quality"].astype(float)
    return quality[quality > 0]


def _same(values: Values) -> Values:
    return values


QUANTITIES = (
    Quantity("size, px (root of the picture's area)", _side, np.log, np.exp),
    Quantity("JPEG quality", _quality, _same, _same),
    Quantity("sharpness of the crop", lambda rows: rows["sharpness"].clip(lower=0.1), np.log, np.exp),
    Quantity("brightness of the crop", lambda rows: rows["brightness"], _same, _same),
)


def small_multiples(rows: pd.DataFrame) -> Iterator[str]:
    """HTML: for each source (the largest MOST_SOURCES) one chart a quantity, its labels' histograms over each other.

    Axes are shared by all sources; each histogram has the same area, so that a small class stands beside a large one.
    """
    counts = rows["source"].value_counts()
    sources = sorted(counts.index[:MOST_SOURCES])
    spans = [_span(quantity, rows) for quantity in QUANTITIES]
    for source in sources:
        chosen = rows[rows["source"] == source]
        charts = (_chart(quantity, span, chosen) for quantity, span in zip(QUANTITIES, spans, strict=True) if span)
        yield f"<h3>{escape(str(source))}</h3><div class=charts>{''.join(charts)}</div>"
    if len(counts) > len(sources):
        yield f"<p class=soft>{len(counts) - len(sources):,} smaller sources are not drawn.</p>"


def _span(quantity: Quantity, rows: pd.DataFrame) -> tuple[float, float] | None:
    values = quantity.on_axis(quantity.of(rows).to_numpy(dtype=float))
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _chart(quantity: Quantity, span: tuple[float, float], rows: pd.DataFrame) -> str:
    values = {label: quantity.of(rows[rows["label"] == label]).to_numpy(dtype=float) for label in LABELS}
    present = {label: found for label, found in values.items() if len(found)}
    counts = {
        label: np.histogram(quantity.on_axis(found), BINS, span)[0] / len(found) for label, found in present.items()
    }
    top = max((float(share.max()) for share in counts.values()), default=1.0)
    paths = "".join(f"<path class={label} d='{_steps(share / top)}'/>" for label, share in counts.items())
    medians = ", ".join(f"{label} {plain_number(_short(np.median(found)))}" for label, found in present.items())
    told = f"median {medians}" if present else "none here"
    low, high = (plain_number(_short(float(end))) for end in quantity.back(np.array(span)))
    return (
        f"<figure><figcaption>{quantity.name}</figcaption>"
        f"<svg viewBox='0 0 {WIDTH} {HEIGHT}' role=img aria-label='{quantity.name}: {told}'>{paths}"
        f"<path class=axis d='M0 {HEIGHT}H{WIDTH}'/></svg>"
        f"<div class=ends><span>{low}</span><span>{high}</span></div><div class=soft>{told}</div></figure>"
    )


def _steps(heights: Values) -> str:
    step = WIDTH / BINS
    points = [f"V{HEIGHT - (HEIGHT - 2) * height:.1f}H{step * (place + 1):.0f}" for place, height in enumerate(heights)]
    return f"M0 {HEIGHT}{''.join(points)}V{HEIGHT}Z"


def _short(value: float) -> float:
    return float(f"{value:.3g}")
