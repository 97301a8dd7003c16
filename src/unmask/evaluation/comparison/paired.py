"""The paired bootstrap: the same resampled groups for both sides, so that what they have in common cancels out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from unmask.evaluation.bootstrap import (
    ROUNDING,
    Floats,
    Interval,
    effective_rows,
    exact_interval,
    percentiles,
    resampled_weights,
)
from unmask.evaluation.comparison.pairs import Pair, Said
from unmask.evaluation.numbers import MIN_ROWS

METRICS = ("auc", "recall", "fpr")
NEEDS = {"auc": (False, True), "recall": (True,), "fpr": (False,)}  # classes, fake or not


@dataclass(frozen=True)
class PairedNumber:
    """A metric of both sides and the challenger's minus the champion's with its interval; a `reason` where none."""

    champion: float | None
    challenger: float | None
    difference: float | None
    interval: Interval | None
    reason: str = ""


@dataclass(frozen=True)
class Difference:
    """What the challenger gains (or loses, where negative) on a slice or tier, by metric."""

    kind: str
    name: str
    level: str
    n_real: int
    n_fake: int
    groups: int
    auc: PairedNumber
    recall: PairedNumber
    fpr: PairedNumber

    @property
    def title(self) -> str:
        """How a person and `--trigger` name it."""
        return f"{self.kind}:{self.name}" + ("" if self.level == "frame" else f" ({self.level}s)")

    @property
    def rows(self) -> int:
        """Rows of both classes."""
        return self.n_real + self.n_fake


Measure = Callable[[Floats], dict[str, Floats]]


def paired_differences(
    pairs: Sequence[Pair], *, groups: int, resamples: int, confidence: float, seed: int
) -> list[Difference]:
    """Percentile intervals of the differences of each pair over resamples of GROUPS groups, drawn once for all pairs.

    Efron and Tibshirani 1993, chapter 13. Where no resample shows any difference, the sides may still differ on rows
    that are not there: the interval is then the exact one for no differing row among as many (Clopper and Pearson).
    """
    measures = [_measure(pair) for pair in pairs]
    observed = [measure(np.ones((1, groups))) for measure in measures]
    drawn: list[list[dict[str, Floats]]] = [[] for _ in pairs]
    for counts in resampled_weights(np.arange(groups), resamples=resamples, seed=seed):
        for parts, measure in zip(drawn, measures, strict=True):
            parts.append(measure(counts))
    return [
        _difference(pair, values, parts, confidence) for pair, values, parts in zip(pairs, observed, drawn, strict=True)
    ]


def weighted_auc(real: Floats, fake: Floats) -> Callable[[Floats, Floats], Floats]:
    """The AUC (B,) of scores real (R,) and fake (F,) as a function of weights (B, R) and (B, F); ties count half."""
    order = np.argsort(real, kind="stable")
    below, upto = (np.searchsorted(real[order], fake, side=side) for side in ("left", "right"))

    def auc(of_real: Floats, of_fake: Floats) -> Floats:
        passed = np.zeros((len(of_real), len(real) + 1))
        np.cumsum(of_real[:, order], axis=1, out=passed[:, 1:])
        wins = (passed[:, below] + passed[:, upto]) / 2
        return np.asarray((of_fake * wins).sum(axis=1) / (passed[:, -1] * of_fake.sum(axis=1)))

    return auc


def _measure(pair: Pair) -> Measure:
    """Every metric of both sides (B, 2) as a function of how often each group was drawn (B, G)."""
    real, fake = np.flatnonzero(~pair.fake), np.flatnonzero(pair.fake)
    sides: tuple[Said, Said] = (pair.champion, pair.challenger)
    aucs = [weighted_auc(side.logit[real], side.logit[fake]) for side in sides]

    def measure(counts: Floats) -> dict[str, Floats]:
        of_real, of_fake = counts[:, pair.groups[real]], counts[:, pair.groups[fake]]
        with np.errstate(invalid="ignore"):  # a resample without one class gives NaN, which the interval leaves out
            values = {
                "auc": [auc(of_real, of_fake) for auc in aucs],
                "recall": [of_fake @ side.flagged[fake] / of_fake.sum(axis=1) for side in sides],
                "fpr": [of_real @ side.flagged[real] / of_real.sum(axis=1) for side in sides],
            }
        return {name: np.stack(both, axis=1) for name, both in values.items()}

    return measure


def _difference(
    pair: Pair, observed: dict[str, Floats], drawn: Sequence[dict[str, Floats]], confidence: float
) -> Difference:
    numbers = {
        name: _number(pair, name, observed[name][0], np.concatenate([part[name] for part in drawn]), confidence)
        for name in METRICS
    }
    return Difference(
        kind=pair.kind,
        name=pair.name,
        level=pair.level,
        n_real=int((~pair.fake).sum()),
        n_fake=int(pair.fake.sum()),
        groups=len(np.unique(pair.groups)),
        **numbers,
    )


def _number(pair: Pair, name: str, observed: Floats, drawn: Floats, confidence: float) -> PairedNumber:
    reason = _lacking(pair, name)
    if reason:
        return PairedNumber(None, None, None, None, reason)
    difference = float(observed[1] - observed[0])
    interval = percentiles(drawn[:, 1] - drawn[:, 0], confidence)
    if interval is None:
        reason = "a class vanishes from too many resamples"
    elif interval[1] - interval[0] < ROUNDING:
        rows = min(effective_rows(pair.groups[pair.fake == flag]) for flag in NEEDS[name])
        radius = exact_interval(0.0, rows, confidence)[1]
        interval = (difference - radius, difference + radius)
    return PairedNumber(float(observed[0]), float(observed[1]), difference, interval, reason)


def _lacking(pair: Pair, name: str) -> str:
    """Why the rows can't bear this metric; empty where they can."""
    for flag in NEEDS[name]:
        rows, label = pair.groups[pair.fake == flag], "fake" if flag else "real"
        if len(rows) < MIN_ROWS:
            return f"only {len(rows)} {label}"
        if len(np.unique(rows)) < 2:
            return f"every {label} is of one group"
    return ""
