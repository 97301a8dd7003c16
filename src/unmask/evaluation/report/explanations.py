"""Section: how far the named attributes and the activation map can be trusted."""

from unmask.evaluation.report.axes import Scale
from unmask.evaluation.report.evidence import Evidence, Row
from unmask.evaluation.report.numbers import number
from unmask.evaluation.report.tracks import track
from unmask.labels.graph import display_name

TEMPLATE = "explanations.html.jinja"
KINDS = (("all", "all pictures", "all"), ("fakes", "fakes alone", "among"))
POINTED = ("hit", "chance", "centre", "above_chance", "above_centre")


def build(evidence: Evidence) -> dict[str, object]:
    """What the template shows."""
    found = evidence.explanations[evidence.packaged]
    pointing = found["pointing"]
    points = [row | {name: number(row.get(name)) for name in POINTED} for row in pointing["rows"]]
    return {"rows": [_row(row) for row in found["attributes"]], "pointing": pointing, "points": points}


def _row(row: Row) -> Row:
    """A label's AUC among all pictures and among fakes alone."""
    numbers = [(name, style, number(row[key])) for key, name, style in KINDS if row[key] is not None]
    return {"label": display_name(row["label"]), "track": track(Scale(), numbers, line=0.5)}
