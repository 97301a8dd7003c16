"""Section: the two thresholds, what they promise and whether test pictures kept it, and what an answer costs."""

import numpy as np

from unmask.evaluation.report.axes import Axes, Scale, share
from unmask.evaluation.report.charts import Series, histogram, line_chart
from unmask.evaluation.report.evidence import Evidence, Row
from unmask.evaluation.report.numbers import number, three

TEMPLATE = "verdicts.html.jinja"
VERDICTS = ("real", "uncertain", "fake")
ERRORS = (("fake", "real picture called fake"), ("real", "seen fake called real"))


def build(evidence: Evidence) -> dict[str, object]:
    """What the template shows."""
    fitted = evidence.calibration[evidence.packaged]
    return {
        "thresholds": fitted["thresholds"],
        "temperature": fitted["temperature"],
        "promises": [_promise(fitted, side, title) for side, title in ERRORS],
        "shares": _shares(evidence),
        "scores": _scores(evidence, fitted["thresholds"]),
        "coverage": _coverage(evidence),
    }


def _promise(fitted: Row, side: str, title: str) -> Row:
    check = (fitted.get("check") or {}).get(side) or {}
    return {"title": title, **fitted[side], "test": number(check.get("test")), "reading": _reading(check)}


def _reading(check: Row) -> str:
    """Whether test pictures kept the promise; a rate above it may be chance unless its whole interval is above."""
    if check.get("held") is None:
        return "not checked"
    if check["held"]:
        return "kept"
    return "broken" if check.get("refuted") else "above it, within chance"


def _shares(evidence: Evidence) -> list[Row]:
    """Share of each verdict among test reals, seen fakes and unseen fakes of the packaged candidate."""
    test = evidence.test[evidence.test["candidate"] == evidence.packaged]
    fake, seen = test["label"] == "fake", test["seen"].astype(bool)
    parts = (("real", ~fake), ("fake, seen generators", fake & seen), ("fake, unseen generators", fake & ~seen))
    found = []
    for name, chosen in parts:
        rows = test[chosen]
        if len(rows):
            counts = rows["verdict"].value_counts(normalize=True)
            shares = {verdict: float(counts.get(verdict, 0.0)) for verdict in VERDICTS}
            found.append({"name": name, "rows": len(rows), "shares": shares})
    return found


def _scores(evidence: Evidence, thresholds: Row) -> object:
    test = evidence.test[evidence.test["candidate"] == evidence.packaged]
    groups = [
        (f"{label} pictures", label, test.loc[test["label"] == label, "p_fake"].to_numpy(dtype=np.float64))
        for label in ("real", "fake")
    ]
    marks = [("fake", float(thresholds["fake"]))]
    if thresholds["real"] < thresholds["fake"]:
        marks.append(("real", float(thresholds["real"])))
    axes = Axes("Scores of test pictures", "stated probability of fake", "share of pictures")
    return histogram(axes, groups, marks, three)


def _coverage(evidence: Evidence) -> object:
    """Error among decided pictures over their share; None where it was not measured."""
    table = evidence.coverage
    series = []
    for name in evidence.candidates:
        rows = table[table["candidate"] == name].sort_values("coverage")
        if len(rows):
            series.append(Series(name, name, rows["coverage"], rows["error"], rows["low"], rows["high"]))
    if not series:
        return None
    top = float(np.nanmax([np.nanmax(np.asarray(one.high, dtype=np.float64)) for one in series]))
    scale = Scale(0.0, min(1.0, max(0.05, np.ceil(top * 20) / 20)), share)
    axes = Axes("Coverage against error", "share of pictures decided", "wrong among decided", Scale(form=share), scale)
    return line_chart(axes, series)
