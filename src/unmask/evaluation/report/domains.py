"""Section: whether some pictures are served worse than others."""

from unmask.evaluation.report.evidence import Evidence, Row
from unmask.evaluation.report.numbers import number, percent, three
from unmask.evaluation.report.tracks import auc_scale, track

TEMPLATE = "domains.html.jinja"
# metric -> title, how to write it
METRICS = {
    "auc": ("AUC", three),
    "fpr": ("reals called fake", percent),
    "recall": ("fakes found", percent),
}


def build(evidence: Evidence) -> dict[str, object]:
    """What the template shows."""
    slices = evidence.of_kind("domain")
    numbers = [
        [(one, one, evidence.metric(one, "auc", name=row["name"], kind="domain")) for one in evidence.candidates]
        for row in slices
    ]
    scale = auc_scale(each.low for row in numbers for *_, each in row)
    rows = [
        row | {"track": track(scale, each, line=0.5)} | {name: number(row["metrics"].get(name)) for name in METRICS}
        for row, each in zip(slices, numbers, strict=True)
    ]
    return {"gaps": [_gap(row) for row in evidence.gaps[evidence.packaged]], "rows": rows, "scale": scale}


def _gap(row: Row) -> Row:
    title, form = METRICS.get(row["metric"], (row["metric"], three))
    gap = number(row["gap"])
    return row | {"title": title, "form": form, "gap": gap, "shown": gap.low is not None and gap.low > 0}
