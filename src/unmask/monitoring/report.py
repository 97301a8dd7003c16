"""The drift report: Evidently shows both sides of every column, and beside them what was decided and by what."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.core.metric_types import SingleValueCalculation, SingleValueMetric
from evidently.core.report import Context
from evidently.presets import ValueStats
from evidently.tests import gt

from unmask.files import replacing
from unmask.monitoring.compare import DOMAIN, Sides
from unmask.monitoring.rows import UNCERTAIN
from unmask.monitoring.summary import Moved, Summary


class Shift(SingleValueMetric):  # type: ignore[misc]
    """What one comparison of the two sides found: its adjusted p-value, with a sentence.

    The permutations are shared by all comparisons, so they are made beforehand. Evidently's own drift tests take rows
    for independent and know nothing of groups, and its embedding drift runs t-SNE for a minute.
    """

    about: str
    p_value: float


class ShiftCalculation(SingleValueCalculation[Shift]):  # type: ignore[misc]
    """Hands over what was computed."""

    def calculate(self, context: Context, current_data: Dataset, reference_data: Dataset) -> Any:
        """The adjusted p-value."""
        return self.result(self.metric.p_value)

    def display_name(self) -> str:
        """Title in the report."""
        return f"{self.metric.about} (adjusted p-value)"


class DomainAucValue(Shift):
    """AUC of the classifier that tells the window from the reference; 0.5 is no drift."""

    value: float


class DomainAucValueCalculation(SingleValueCalculation[DomainAucValue]):  # type: ignore[misc]
    """Hands over what was computed."""

    def calculate(self, context: Context, current_data: Dataset, reference_data: Dataset) -> Any:
        """The area."""
        return self.result(self.metric.value)

    def display_name(self) -> str:
        """Title in the report."""
        return f"{self.metric.about} (AUC)"


def write_report(summary: Summary, sides: Sides, page: Path) -> None:
    """Write PAGE and, beside it, Evidently's JSON; a failed test in it is a column that drifted."""
    columns = [each.name for each in summary.columns if each.name in sides.reference.columns]
    categorical = [name for name in columns if name == UNCERTAIN]
    definition = DataDefinition(
        numerical_columns=[name for name in columns if name not in categorical], categorical_columns=categorical
    )
    current, reference = (
        Dataset.from_pandas(_shown(rows.columns[columns]), definition) for rows in (sides.window, sides.reference)
    )
    metrics = [_metric(each, summary) for each in summary.columns]
    report = Report([*metrics, *(ValueStats(column=name) for name in columns)], include_tests=True)
    with np.errstate(invalid="ignore", divide="ignore"):  # statistics of constant columns
        run = report.run(current, reference, name=str(summary))
    with replacing(page) as temporary:
        run.save_html(str(temporary))
    with replacing(page.with_suffix(".evidently.json")) as temporary:
        run.save_json(str(temporary))


def _metric(moved: Moved, summary: Summary) -> Shift:
    # the test says what the summary says: a move that is sure but a trifle is not drift
    tests = [gt(summary.level)] if moved.drifted or moved.p_value > summary.level else []
    if moved.name == DOMAIN and summary.domain_auc:
        return DomainAucValue(about=moved.sentence, p_value=moved.p_value, value=summary.domain_auc.value)
    return Shift(about=moved.sentence, p_value=moved.p_value, tests=tests)


def _shown(columns: pd.DataFrame) -> pd.DataFrame:
    return columns.assign(**{UNCERTAIN: np.where(columns[UNCERTAIN] > 0, "yes", "no")})
