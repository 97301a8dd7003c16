"""Section: what recompression, resizing and the like do to AUC and to the verdict."""

from markupsafe import Markup

from unmask.evaluation.report.axes import Axes, Scale, share
from unmask.evaluation.report.charts import Series, line_chart
from unmask.evaluation.report.evidence import Evidence, Row
from unmask.evaluation.report.numbers import Number, number, percent, three

TEMPLATE = "robustness.html.jinja"
HEIGHT = 190
METRICS = ("auc", "fpr", "recall", "flip", "reversal")
# sweep -> its title, and what its horizontal axis says
SWEEPS = {
    "jpeg": ("JPEG", "quality"),
    "webp": ("WebP", "quality"),
    "scale": ("Scale", "share of each side"),
    "blur": ("Blur", "sigma in px"),
    "noise": ("Noise", "standard deviation of the full range"),
    "crop": ("Crop", "share of each side that is kept"),
    "screenshot": ("Screenshot", "size on the screen"),
}


def build(evidence: Evidence) -> dict[str, object]:
    """What the template shows; `tiers` is empty where nothing was measured."""
    return {"tiers": _tiers(evidence), "sweeps": _sweeps(evidence), "metrics": METRICS}


def _tiers(evidence: Evidence) -> list[Row]:
    """Tiers in their order, the candidates of each together."""
    found = [
        {"name": row["name"], "candidate": name, **{metric: number(row.get(metric)) for metric in METRICS}}
        for name, rows in evidence.tiers.items()
        for row in rows
        if row["sweep"] is None
    ]
    order = list(dict.fromkeys(row["name"] for row in found))
    return sorted(found, key=lambda row: order.index(row["name"]))


def _sweeps(evidence: Evidence) -> list[Row]:
    names = dict.fromkeys(row["sweep"] for rows in evidence.tiers.values() for row in rows if row["sweep"])
    return [
        {
            "name": SWEEPS.get(sweep, (sweep, ""))[0],
            "auc": _chart(evidence, sweep, "auc", "AUC"),
            "flip": _chart(evidence, sweep, "flip", "verdict flips"),
        }
        for sweep in names
    ]


def _chart(evidence: Evidence, sweep: str, metric: str, label: str) -> Markup:
    lines = {name: _points(rows, sweep, metric) for name, rows in evidence.tiers.items()}
    places = [x for points in lines.values() for x, _ in points]
    if len(set(places)) < 2:
        return Markup('<p class="none">{}</p>').format(f"{label}: fewer than two points.")
    numbers = [one for points in lines.values() for _, one in points]
    clean = next((row for row in evidence.tiers.get(evidence.packaged, []) if row["name"] == "clean"), None)
    level = number(clean.get(metric)).value if clean and metric == "auc" else None
    title, strength = SWEEPS.get(sweep, (sweep, "strength"))
    axes = Axes(
        f"{title}: {label}",
        strength,
        label,
        Scale(min(places), max(places)),
        _vertical(numbers, metric, level),
        level=level,
        height=HEIGHT,
    )
    series = []
    for name, points in lines.items():
        numbers_at = [one for _, one in points]
        value = _floats([one.value for one in numbers_at])
        low, high = _floats([one.low for one in numbers_at]), _floats([one.high for one in numbers_at])
        series.append(Series(name, name, [place for place, _ in points], value, low, high))
    return line_chart(axes, series, _summary(lines, metric))


def _summary(lines: dict[str, list[tuple[float, Number]]], metric: str) -> str:
    """Both ends of each line, for who can't see it."""
    form = three if metric == "auc" else percent
    ends = {name: (points[0], points[-1]) for name, points in lines.items() if points}
    return "; ".join(
        f"{name}: {form(first.value)} at {x:g} to {form(last.value)} at {y:g}"
        for name, ((x, first), (y, last)) in ends.items()
    )


def _floats(values: list[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def _points(rows: list[Row], sweep: str, metric: str) -> list[tuple[float, Number]]:
    found = [
        (float(row["x"]), number(row.get(metric))) for row in rows if row["sweep"] == sweep and row["x"] is not None
    ]
    return sorted(found, key=lambda point: point[0])


def _vertical(numbers: list[Number], metric: str, level: float | None) -> Scale:
    """AUC from the tenth below its lowest end, at most 0.9, to 1; a rate from 0 to the tenth above its highest."""
    if metric == "auc":
        ends = [0.9, *(one.low for one in numbers if one.low is not None), *([] if level is None else [level])]
        return Scale(max(0.0, int(min(ends) * 10) / 10), 1.0)
    highest = max([one.high for one in numbers if one.high is not None] + [0.05])
    return Scale(0.0, min(1.0, -(-highest // 0.1) * 0.1), share)
