"""Section: ROC, detection error trade-off, and reliability of the stated probability."""

from collections.abc import Sequence

import pandas as pd
from markupsafe import Markup

from unmask.evaluation.report.axes import Axes, Scale, normal_deviate, share
from unmask.evaluation.report.charts import Series, line_chart
from unmask.evaluation.report.evidence import Evidence
from unmask.evaluation.report.numbers import three

TEMPLATE = "curves.html.jinja"
PARTS = (("seen", ""), ("unseen", " dashed"))
RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6)  # ticks of the detection error trade-off


def build(evidence: Evidence) -> dict[str, object]:
    """What the template shows."""
    calibration = {name: evidence.metric(name, "ece", name="all") for name in evidence.candidates}
    return {"roc": _roc(evidence), "det": _det(evidence), "reliability": _reliability(evidence), "ece": calibration}


def _summary(evidence: Evidence, metric: str) -> str:
    told = []
    for name in evidence.candidates:
        for part, _ in PARTS:
            told.append(f"{name}, {part} generators: {three(evidence.metric(name, metric, name=part).value)}")
    return "; ".join(told)


def _roc(evidence: Evidence) -> Markup:
    table = evidence.roc
    series = [
        Series(f"{name}, {part}", name + dash, table["fpr"], table[f"{name}_{part}"])
        for name in evidence.candidates
        for part, dash in PARTS
        if f"{name}_{part}" in table
    ]
    axes = Axes("ROC on test pictures", "real pictures flagged", "fakes found", diagonal=True)
    return line_chart(axes, series, f"AUC: {_summary(evidence, 'auc')}")


def _det(evidence: Evidence) -> Markup:
    table = evidence.det
    names = {f"{name}_{part}": (name, part, dash) for name in evidence.candidates for part, dash in PARTS}
    # A rate of 0 has no normal deviate; the curve ends where it is below one picture.
    missed = {key: table[key].where(table[key] > 0) for key in names if key in table}
    scale = _rates([table["fpr"], *missed.values()])
    axes = Axes("Detection error trade-off", "real pictures flagged", "fakes missed", scale, scale, diagonal=True)
    series = []
    for key, values in missed.items():
        name, part, dash = names[key]
        shown = values.where(values <= scale.high)
        series.append(Series(f"{name}, {part}", name + dash, table["fpr"], shown))
    return line_chart(axes, series, f"equal error rate: {_summary(evidence, 'eer')}")


def _rates(columns: Sequence[pd.Series]) -> Scale:
    """From the tick below the smallest rate that was seen to the largest tick."""
    smallest = min((float(column.min()) for column in columns if column.notna().any()), default=0.01)
    low = max((rate for rate in RATES if rate <= smallest), default=RATES[0])
    return Scale(low, RATES[-1], share, normal_deviate, tuple(rate for rate in RATES if rate >= low))


def _reliability(evidence: Evidence) -> Markup:
    table = evidence.reliability
    series = []
    for name in evidence.candidates:
        if name not in table:
            continue
        low, high = (table.get(f"{name}_{end}") for end in ("low", "high"))
        series.append(Series(name, name, table["p_fake"], table[name], low, high, dots=True))
    axes = Axes("Reliability on test pictures", "stated probability of fake", "share that is fake", diagonal=True)
    told = "; ".join(
        f"{name}: calibration error {three(evidence.metric(name, 'ece', name='all').value)}"
        for name in evidence.candidates
    )
    return line_chart(axes, series, told)
