"""Section: every metric of every slice that is not shown elsewhere."""

from collections.abc import Callable, Sequence

from unmask.evaluation.report.evidence import Evidence, Row
from unmask.evaluation.report.headline import highest_shortcut
from unmask.evaluation.report.numbers import number, percent, three

TEMPLATE = "tables.html.jinja"
Form = Callable[[float | None], str]
# metric in slices.json, title, how to write it; those that no slice has are left out
COLUMNS: Sequence[tuple[str, str, Form]] = (
    ("average_precision", "Average precision", three),
    ("eer", "Equal error rate", percent),
    ("tpr_at_fpr1", "Found at 1 % false positives", percent),
    ("tpr_at_fpr5", "Found at 5 % false positives", percent),
    ("fpr", "Reals called fake", percent),
    ("recall", "Fakes found", percent),
    ("uncertain", "Uncertain", percent),
    ("accuracy", "Accuracy", percent),
    ("balanced_accuracy", "Balanced accuracy", percent),
    ("ece", "Calibration error", three),
)


def build(evidence: Evidence) -> dict[str, object]:
    """What the template shows."""
    tables = [
        ("All test pictures", evidence.of_kind("overall")),
        ("Sources", evidence.of_kind("source")),
        (
            "Clips (mean of their frames)",
            [*evidence.of_kind("overall", "clip"), *evidence.of_kind("generator", "clip")],
        ),
    ]
    shown = [(title, rows) for title, rows in tables if rows]
    columns = [each for each in COLUMNS if any(each[0] in row["metrics"] for _, rows in shown for row in rows)]
    return {
        "tables": [(title, [_row(evidence, row, columns) for row in rows]) for title, rows in shown],
        "columns": columns,
    }


def _row(evidence: Evidence, row: Row, columns: Sequence[tuple[str, str, Form]]) -> Row:
    aucs = [
        evidence.metric(name, "auc", name=row["name"], kind=row["kind"], level=row["level"])
        for name in evidence.candidates
    ]
    numbers = [(number(row["metrics"].get(metric)), form) for metric, _, form in columns]
    return row | {"aucs": aucs, "numbers": numbers, "shortcut": highest_shortcut(_generators(evidence, row))}


def _generators(evidence: Evidence, row: Row) -> Sequence[Row]:
    """Generators whose fakes a slice holds."""
    if row["kind"] == "source":
        return [each for each in evidence.generators if each["source"] == row["name"]]
    if row["kind"] == "generator":
        return [each for each in evidence.generators if f"{each['source']} / {each['generator']}" == row["name"]]
    wanted = {"seen": (True,), "unseen": (False,)}.get(row["name"], (True, False))
    return [each for each in evidence.generators if each["seen"] in wanted]
