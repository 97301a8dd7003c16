"""The drift report: Evidently's column tests, and whether the embeddings of the newest batch have moved."""

from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.core.metric_types import SingleValueCalculation, SingleValueMetric
from evidently.core.report import Context
from evidently.presets import DataDriftPreset
from evidently.tests import gte, lte

from unmask.config import Drift
from unmask.files import replacing, write_json
from unmask.monitoring.reference import Comparison, Side
from unmask.monitoring.shift import discrepancy, domain_auc

CATEGORICAL = ("uncertain",)
COLUMN_P_VALUE = 0.01
NOTHING = (
    "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    "<style>:root{{color-scheme:light dark}}body{{font:16px system-ui,sans-serif;max-width:40rem;margin:2rem auto;"
    "padding:0 1rem}}</style><title>Drift</title><h1>Drift</h1><p>Nothing was compared: {reason}.</p></html>\n"
)


class EmbeddingDomainAuc(SingleValueMetric):  # type: ignore[misc]
    """AUC of a classifier that tells current from reference embeddings; 0.5 is no drift.

    Evidently's own embedding drift runs t-SNE for a minute whether or not anybody looks at it.
    """

    columns: list[str]
    group: str
    seed: int
    about: str


class EmbeddingDomainAucCalculation(SingleValueCalculation[EmbeddingDomainAuc]):  # type: ignore[misc]
    """Computes EmbeddingDomainAuc."""

    def calculate(self, context: Context, current_data: Dataset, reference_data: Dataset) -> Any:
        """Out-of-fold AUC; 0.5 where there are too few rows or groups to tell."""
        reference, current = (_side_of(self.metric, data) for data in (reference_data, current_data))
        found = domain_auc(
            reference.embeddings, current.embeddings, (reference.groups, current.groups), seed=self.metric.seed
        )
        return self.result(0.5 if found is None else found.value)

    def display_name(self) -> str:
        """Title in the report."""
        return f"Domain classifier on embeddings, AUC ({self.metric.about})"


class EmbeddingDiscrepancy(EmbeddingDomainAuc):
    """Permutation p-value of the maximum mean discrepancy between current and reference embeddings."""


class EmbeddingDiscrepancyCalculation(SingleValueCalculation[EmbeddingDiscrepancy]):  # type: ignore[misc]
    """Computes EmbeddingDiscrepancy."""

    def calculate(self, context: Context, current_data: Dataset, reference_data: Dataset) -> Any:
        """P-value of "both come from one distribution"."""
        reference, current = (_side_of(self.metric, data) for data in (reference_data, current_data))
        return self.result(discrepancy(reference.embeddings, current.embeddings, seed=self.metric.seed).p_value)

    def display_name(self) -> str:
        """Title in the report."""
        return f"Maximum mean discrepancy of embeddings, p-value ({self.metric.about})"


def write_drift_report(comparison: Comparison | str, out: Path, *, settings: Drift, seed: int) -> dict[str, Any]:
    """Write OUT/report.html and OUT/drift.json; returns what drift.json says.

    A string in place of a comparison is the reason why there is none; both files then say so.
    """
    out.mkdir(parents=True, exist_ok=True)
    if isinstance(comparison, str):
        found: dict[str, Any] = {"compared": False, "reason": comparison, "drifted": False}
        _write_text(out / "report.html", NOTHING.format(reason=escape(comparison)))
    else:
        found = _compare(comparison, out / "report.html", settings, seed)
    write_json(out / "drift.json", found)
    return found


def _compare(comparison: Comparison, page: Path, settings: Drift, seed: int) -> dict[str, Any]:
    reference, current = comparison.reference, comparison.current
    auc = domain_auc(reference.embeddings, current.embeddings, (reference.groups, current.groups), seed=seed)
    moved = discrepancy(reference.embeddings, current.embeddings, seed=seed)
    columns, share = _column_drift(comparison, page, settings, seed)
    # an AUC above the bound by chance is no drift: its interval must exclude 0.5 as well
    by_embedding = auc is not None and auc.value > settings.max_domain_auc and auc.low > 0.5
    by_columns = share > settings.max_column_share
    return {
        "compared": True,
        "what": comparison.what,
        "newest": comparison.newest,
        "n_reference": len(reference.columns),
        "n_current": len(current.columns),
        "drifted": by_embedding or by_columns,
        "reasons": [name for name, raised in (("embedding", by_embedding), ("columns", by_columns)) if raised],
        "domain_auc": None if auc is None else asdict(auc),
        "mmd": asdict(moved),
        "columns": columns,
        "column_share": share,
    }


def _column_drift(
    comparison: Comparison, page: Path, settings: Drift, seed: int
) -> tuple[dict[str, dict[str, Any]], float]:
    """Run Evidently, write its page; the test of each column and the share of columns that drifted."""
    watched = list(comparison.watched)
    names = [f"embedding_{index:03d}" for index in range(comparison.reference.embeddings.shape[1])]
    embedding = {"columns": names, "group": "group", "seed": seed, "about": comparison.what}
    report = Report(
        [
            DataDriftPreset(
                columns=watched,
                drift_share=settings.max_column_share,
                num_method="ks",
                cat_method="chisquare",
                threshold=COLUMN_P_VALUE,
            ),
            EmbeddingDomainAuc(**embedding, tests=[lte(settings.max_domain_auc)]),
            EmbeddingDiscrepancy(**embedding, tests=[gte(COLUMN_P_VALUE)]),
        ],
        include_tests=True,
    )
    definition = DataDefinition(
        numerical_columns=[name for name in watched if name not in CATEGORICAL],
        categorical_columns=[name for name in watched if name in CATEGORICAL],
    )
    current, reference = (
        Dataset.from_pandas(_frame(side, names), definition) for side in (comparison.current, comparison.reference)
    )
    with np.errstate(invalid="ignore", divide="ignore"):  # correlations of constant columns
        run = report.run(current, reference)
    with replacing(page) as temporary:
        run.save_html(str(temporary))
    columns, share = {}, 0.0
    for metric in run.dict()["metrics"]:
        config, value = metric["config"], metric["value"]
        if config["type"].endswith(":ValueDrift"):
            columns[config["column"]] = {
                "test": config["method"],
                "p_value": float(value),
                "drifted": bool(value < config["threshold"]),
            }
        elif config["type"].endswith(":DriftedColumnsCount"):
            share = float(value["share"])
    return columns, share


def _frame(side: Side, names: list[str]) -> pd.DataFrame:
    embeddings = pd.DataFrame(side.embeddings, columns=names)
    return pd.concat([side.columns, embeddings], axis=1).assign(group=side.groups)


def _side_of(metric: EmbeddingDomainAuc, data: Dataset) -> Side:
    frame = data.as_dataframe()
    return Side(frame, frame[metric.columns].to_numpy(dtype=np.float64), frame[metric.group].to_numpy(dtype=str))


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def summary(found: dict[str, Any]) -> str:
    """One line for a person from what drift.json says."""
    if not found["compared"]:
        return f"nothing compared: {found['reason']}"
    auc, columns = found["domain_auc"], found["columns"]
    domain = "too few groups" if auc is None else f"{auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}]"
    verdict = f"drifted ({' and '.join(found['reasons'])})" if found["drifted"] else "no drift"
    moved = sum(column["drifted"] for column in columns.values())
    rows = f"{found['n_current']:,} rows of {found['newest']} against {found['n_reference']:,}"
    return f"{verdict}, {rows}, domain AUC {domain}, {moved} of {len(columns)} columns"
