"""Section: AUC of each generator beside the shortcut's."""

from unmask.evaluation.report.evidence import Evidence, Row
from unmask.evaluation.report.numbers import Number, number
from unmask.evaluation.report.tracks import auc_scale, track
from unmask.evaluation.unknowns import not_above

TEMPLATE = "generators.html.jinja"


def build(evidence: Evidence) -> dict[str, object]:
    """What the template shows."""
    numbers = [{name: _auc(row, name) for name in evidence.candidates} for row in evidence.generators]
    simple = [row["shortcut_auc"] for row in evidence.generators]
    scale = auc_scale([*simple, *(one.low for each in numbers for one in each.values())])
    rows = [
        row
        | {
            "track": track(
                scale, [(name, name, one) for name, one in each.items()], diamond=row["shortcut_auc"], line=0.5
            ),
            "doubtful": not_above(row, evidence.packaged) if row.get(evidence.packaged) else False,
        }
        for row, each in zip(evidence.generators, numbers, strict=True)
    ]
    return {"rows": rows, "scale": scale}


def _auc(row: Row, candidate: str) -> Number:
    found = row.get(candidate)
    return number(found["auc"] if found else None)
