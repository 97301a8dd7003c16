"""Numbers of each tier and sweep point with intervals: ranking, error rates, and how often the verdict changes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from unmask.config import Evaluate
from unmask.evaluation.bootstrap import Floats, Independent, bounded_interval, group_codes, resampled
from unmask.evaluation.metrics import Scored, scored
from unmask.evaluation.numbers import MIN_ROWS, measure_rows, number
from unmask.evaluation.tiers.table import CLEAN, SWEEPS, Degradation
from unmask.serving.verdict import Thresholds

Row = dict[str, Any]
Changes = dict[str, npt.NDArray[np.bool_]]
SHARED = ("auc", "fpr", "recall")
CHANGES = ("flip", "reversal")
METRICS = (*SHARED, *CHANGES)


def measure_tiers(
    table: pd.DataFrame,
    planned: Sequence[Degradation],
    thresholds: Thresholds,
    *,
    chosen: int,
    settings: Evaluate,
    seed: int,
) -> list[Row]:
    """One row for each degradation of one candidate, JSON-ready, with METRICS as `measure_rows` gives numbers.

    TABLE has a row a picture and degradation: image_id, name, label, group, logit, p_fake, verdict; CHOSEN is how many
    pictures were to be degraded, so that `missing` counts what could not be.
    """
    clean = table[table["name"] == CLEAN.name].set_index("image_id")["verdict"]
    rows = []
    for degradation in planned:
        part = table[(table["name"] == degradation.name) & table["image_id"].isin(clean.index)]
        changes = _changes(part["verdict"], part["image_id"].map(clean))
        rows.append(_row(degradation, part, changes, thresholds, settings=settings, seed=seed))
        rows[-1]["missing"] = chosen - len(part)
    return rows


def _changes(now: "pd.Series[str]", clean: "pd.Series[str]") -> Changes:
    """Whose verdict (N,) is another than on the clean picture, and whose turned from real to fake or back."""
    flip = (now != clean).to_numpy(dtype=np.bool_)
    decided = ((now != "uncertain") & (clean != "uncertain")).to_numpy(dtype=np.bool_)
    return {"flip": flip, "reversal": flip & decided}


def _row(
    degradation: Degradation,
    part: pd.DataFrame,
    changes: Changes,
    thresholds: Thresholds,
    *,
    settings: Evaluate,
    seed: int,
) -> Row:
    fake = part["label"] == "fake"
    rows = scored(fake=fake, logit=part["logit"], p=part["p_fake"], groups=part["group"], thresholds=thresholds)
    numbers = measure_rows(rows, settings, seed=seed)
    for name in CHANGES:
        numbers[name] = (
            number(None, None, rows, reason="clean is what the others are held against")
            if degradation == CLEAN
            else change_rate(changes[name], part, rows, settings, seed=seed)
        )
    return {
        "name": degradation.name,
        "sweep": degradation.sweep,
        "x": degradation.x,
        "axis": SWEEPS[degradation.sweep].meaning if degradation.sweep else None,
        "n_real": rows.n_real,
        "n_fake": rows.n_fake,
        **{name: numbers[name] for name in METRICS},
    }


def change_rate(
    changed: npt.NDArray[np.bool_], part: pd.DataFrame, rows: Scored, settings: Evaluate, *, seed: int
) -> Row:
    """Share of pictures whose verdict is CHANGED (N,), each class weighing half, with its interval over groups.

    Where none or all changed, which no resample can vary, `bounded_interval` gives the exact one.
    """
    few = [
        f"only {count} {label}" for label, count in (("real", rows.n_real), ("fake", rows.n_fake)) if count < MIN_ROWS
    ]
    if few:
        return number(None, None, rows, reason=" and ".join(few))
    fake = (part["label"] == "fake").to_numpy(dtype=np.bool_)
    groups = group_codes(part["group"])

    def share(weights: Floats) -> dict[str, Floats]:
        return {"changed": (_mean(changed, weights * ~fake) + _mean(changed, weights * fake)) / 2}

    value = float(share(np.ones(len(changed)))["changed"])
    drawn = resampled(share, groups, resamples=settings.bootstrap, seed=seed)["changed"]
    interval = bounded_interval(value, drawn, Independent.of(groups, fake), settings.confidence)
    return number(value, interval, rows, reason="" if interval else "a class vanishes from too many resamples")


def _mean(hit: npt.NDArray[np.bool_], weights: Floats) -> Floats:
    """Weighted share along the last axis, NaN without weight."""
    total = np.asarray(weights.sum(axis=-1))
    return np.divide(weights @ hit, total, out=np.full(total.shape, np.nan), where=total > 0)
