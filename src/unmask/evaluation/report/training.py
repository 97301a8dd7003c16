"""Section: training curves of the candidates."""

import numpy as np
from markupsafe import Markup

from unmask.evaluation.report.axes import Axes, Scale
from unmask.evaluation.report.charts import Series, line_chart
from unmask.evaluation.report.evidence import Evidence

TEMPLATE = "training.html.jinja"
# column of training.csv, title, what the vertical axis says
COLUMNS = (("loss", "Training loss", "loss"), ("validation_auc", "Validation AUC", "AUC"))


def build(evidence: Evidence) -> dict[str, object]:
    """What the template shows."""
    charts = [
        (title, _chart(evidence, column, title, label))
        for column, title, label in COLUMNS
        if column in evidence.training
    ]
    return {"charts": [(title, chart) for title, chart in charts if chart is not None]}


def _chart(evidence: Evidence, column: str, title: str, label: str) -> Markup | None:
    table = evidence.training[np.isfinite(evidence.training[column].astype(np.float64))]
    if table.empty:
        return None
    low, high = float(table[column].min()), float(table[column].max())
    room = max((high - low) * 0.05, 1e-3)
    x = Scale(1.0, max(float(table["epoch"].max()) + 1, 2.0))
    axes = Axes(title, "epoch", label, x, Scale(low - room, high + room))
    parts = ((name, table[table["candidate"] == name]) for name in evidence.candidates)
    return line_chart(axes, [Series(name, name, rows["epoch"] + 1, rows[column]) for name, rows in parts])
