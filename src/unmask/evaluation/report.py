"""The report: one self-contained HTML page. Everything that comes from data is escaped by the template engine."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from unmask.config import Evaluate
from unmask.evaluation.charts import Axes, Series, histogram, line_chart
from unmask.evaluation.gate import Shortcut
from unmask.evaluation.measure import Candidate
from unmask.evaluation.unknowns import not_above
from unmask.evaluation.worst import Mistake
from unmask.labels.graph import display_name

TEMPLATE = "report.html.jinja"
MISSING = "-"
TABLES = (("source", "Sources"), ("domain", "Domains"))


@dataclass(frozen=True)
class Findings:
    """All that the page shows; candidates come with the packaged one first."""

    candidates: Sequence[Candidate]
    generators: Sequence[Mapping[str, Any]]
    shortcut: Shortcut
    explanations: Mapping[str, Mapping[str, Any]]
    note: str
    failed_soft: Sequence[str]
    mistakes: Mapping[str, Sequence[Mistake]]
    histories: Mapping[str, pd.DataFrame]
    unknown: Sequence[str]
    identity: Mapping[str, str]
    settings: Evaluate


def render(findings: Findings) -> str:
    """The page as text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for form in (three, percent):
        environment.filters[form.__name__] = environment.globals[form.__name__] = form
    packaged = findings.candidates[0]
    return environment.get_template(TEMPLATE).render(
        findings=findings,
        packaged=packaged,
        candidates=findings.candidates,
        cards=_cards(findings),
        generators=_generators(findings),
        axis_low=_axis_low(findings),
        charts=_charts(findings),
        tables=[(title, packaged.of_kind(kind)) for kind, title in TABLES],
        clips=[*packaged.of_kind("overall", "clip"), *packaged.of_kind("generator", "clip")],
        verdicts=_verdicts(packaged),
        attributes=_attributes(findings.explanations[packaged.name]),
        pointing=findings.explanations[packaged.name]["pointing"],
        training=_training(findings.histories),
        find=_finder(findings.candidates),
    )


def three(value: float | None) -> str:
    """A number to three digits, or a dash."""
    return MISSING if value is None else f"{value:.3f}"


def percent(value: float | None) -> str:
    """A share in percent to one digit, or a dash."""
    return MISSING if value is None else f"{value:.1%}"


def _finder(candidates: Sequence[Candidate]) -> Any:
    by_name = {candidate.name: candidate for candidate in candidates}

    def find(candidate: str, row: Mapping[str, Any], metric: str) -> Mapping[str, Any]:
        other = by_name[candidate].find(row["name"], kind=row["kind"], level=row["level"])
        empty = {"value": None, "low": None, "high": None, "reason": "no rows"}
        return other["metrics"].get(metric, empty) if other else empty

    return find


def _cards(findings: Findings) -> list[dict[str, Any]]:
    """The headline: title, metric, whether it is a share, and what to read beside it."""
    thresholds = findings.candidates[0].calibration.thresholds
    simple = f"simple file statistics alone reach {three(findings.shortcut.pooled)}"
    if findings.shortcut.with_chroma is not None:
        simple += f", with the noise of colour {three(findings.shortcut.with_chroma)}"
    wanted = (
        ("AUC, generators it was trained on", "seen", "auc", three, simple),
        ("AUC, generators it has never seen", "unseen", "auc", three, simple),
        ("Real pictures called fake", "all", "fpr", percent, f"meant for {thresholds.fake_fpr:.1%}"),
        ("Fakes found, seen generators", "seen", "recall", percent, "at the same threshold"),
        ("Fakes found, unseen generators", "unseen", "recall", percent, "at the same threshold"),
    )
    cards = []
    for title, part, metric, form, beside in wanted:
        numbers = {one.name: _number(one, part, metric) for one in findings.candidates}
        cards.append({"title": title, "numbers": numbers, "form": form, "beside": beside})
    return cards


def _number(candidate: Candidate, part: str, metric: str) -> Mapping[str, Any]:
    row = candidate.find(part)
    empty = {"value": None, "low": None, "high": None, "n_real": 0, "n_fake": 0, "reason": "no test rows"}
    return row["metrics"].get(metric, empty) if row else empty


def _axis_low(findings: Findings) -> float:
    """Left end of the AUC tracks: 0.5 or, where something lies below, the tenth under it."""
    values: list[float | None] = [row["shortcut_auc"] for row in findings.generators]
    values += [row[one.name]["auc"]["low"] for row in findings.generators for one in findings.candidates]
    lowest = min([value for value in values if value is not None] + [0.5])
    return max(0.0, math.floor(lowest * 10 + 1e-9) / 10)


def _generators(findings: Findings) -> list[dict[str, Any]]:
    """Rows of the generator chart with positions in percent of the track."""
    low = _axis_low(findings)

    def place(value: float | None) -> float | None:
        return None if value is None else round(100 * (value - low) / (1 - low), 2)

    rows = []
    for row in findings.generators:
        lanes = []
        for candidate in findings.candidates:
            auc = row[candidate.name]["auc"]
            lanes.append(
                {"name": candidate.name, "auc": auc, **{key: place(auc[key]) for key in ("value", "low", "high")}}
            )
        doubtful = not_above(row, findings.candidates[0].name)
        simple = row["shortcut_auc"]
        rows.append({**row, "lanes": lanes, "shortcut": place(simple), "chance": place(0.5), "doubtful": doubtful})
    return rows


def _attributes(explained: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the attribute chart: a label's AUC among all pictures and among fakes,."""
    rows = []
    for row in explained["attributes"]:
        lanes = [
            {"name": name, "style": style, "auc": row[key]}
            for key, name, style in (("all", "all pictures", "student"), ("fakes", "fakes alone", "fake"))
            if row[key] is not None
        ]
        rows.append({"label": display_name(row["label"]), "lanes": lanes})
    return rows


def _verdicts(candidate: Candidate) -> list[tuple[str, dict[str, float], int]]:
    """Share of each verdict among test reals, seen fakes and unseen fakes, with the rows."""
    test = candidate.test
    fake = test["label"] == "fake"
    parts = (
        ("real", ~fake),
        ("fake, seen generators", fake & test["seen"]),
        ("fake, unseen generators", fake & ~test["seen"]),
    )
    found = []
    for name, chosen in parts:
        rows = test[chosen]
        if len(rows):
            shares = rows["verdict"].value_counts(normalize=True)
            found.append(
                (
                    name,
                    {verdict: float(shares.get(verdict, 0.0)) for verdict in ("real", "uncertain", "fake")},
                    len(rows),
                )
            )
    return found


def _charts(findings: Findings) -> dict[str, Markup]:
    curves, reliable = [], []
    for candidate in findings.candidates:
        for seen, dash in ((True, ""), (False, " dashed")):
            rows = candidate.scored(seen=seen)
            curve = rows.curve(np.ones(len(rows.fake)))
            if curve is not None:
                name = f"{candidate.name}, {'seen' if seen else 'unseen'} generators"
                keep = _thin(len(curve.fpr))
                curves.append(Series(name, candidate.name + dash, curve.fpr[keep], curve.tpr[keep]))
        mean, share, _ = candidate.scored().reliability()
        reliable.append(Series(candidate.name, candidate.name, mean, share, dots=True))
    packaged = findings.candidates[0]
    test, thresholds = packaged.test, packaged.calibration.thresholds
    groups = [
        (f"{label} pictures", label, test.loc[test["label"] == label, "p_fake"].to_numpy(dtype=np.float64))
        for label in ("real", "fake")
    ]
    marks = [("fake", thresholds.fake)] + ([("real", thresholds.real)] if thresholds.real < thresholds.fake else [])
    roc = Axes("ROC on test pictures", "real pictures flagged", "fakes found", diagonal=True)
    calibration = Axes(
        "Reliability on test pictures", "stated probability of fake", "share that is fake", diagonal=True
    )
    scores = Axes("Scores of test pictures", "stated probability of fake", "share of pictures")
    return {
        "roc": line_chart(roc, curves),
        "reliability": line_chart(calibration, reliable),
        "scores": histogram(scores, groups, marks),
    }


def _thin(points: int, most: int = 400) -> Any:
    """Indices of at most MOST points with both ends, so that large test sets keep the page small."""
    return np.unique(np.linspace(0, points - 1, min(points, most)).round().astype(np.int64))


def _training(histories: Mapping[str, pd.DataFrame]) -> list[tuple[str, Markup]]:
    charts = []
    for column, title in (("loss", "Training loss"), ("validation_auc", "Validation AUC")):
        series = [
            Series(name, name, history["epoch"] + 1, history[column])
            for name, history in histories.items()
            if column in history and "epoch" in history and len(history)
        ]
        values = np.concatenate([np.asarray(one.y, dtype=np.float64) for one in series]) if series else np.zeros(0)
        values = values[np.isfinite(values)]
        if not len(values):
            continue
        low, high = float(values.min()), float(values.max())
        room = max((high - low) * 0.05, 1e-3)
        last = max(float(np.max(one.x)) for one in series)
        axes = Axes(title, "epoch", title.lower(), (1.0, max(last, 2.0)), (low - room, high + room))
        charts.append((title, line_chart(axes, series)))
    return charts
