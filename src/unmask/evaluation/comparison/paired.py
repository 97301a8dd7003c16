"""The paired bootstrap: the same resampled groups for both sides, so that what they have in common cancels out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from unmask.evaluation.bootstrap import (
    ROUNDING,
    Floats,
    Independent,
    Interval,
    bounded_interval,
    resampled_weights,
)
from unmask.evaluation.comparison.pairs import Pair, Said
from unmask.evaluation.numbers import MIN_ROWS

METRICS = ("auc", "recall", "fpr")
NEEDS = {"auc": (False, True), "recall": (True,), "fpr": (False,)}  # classes, fake or not


@dataclass(frozen=True)
class PairedNumber:
    """A metric of both sides and the challenger's minus the champion's with its interval; a `reason` where none.

    `same` says that no resample shows any difference.
    """

    champion: float | None
    challenger: float | None
    difference: float | None
    interval: Interval | None
    reason: str = ""
    same: bool = False


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
    """Intervals of the differences of each pair over resamples of GROUPS groups, drawn once for all pairs.

    Each side's `bounded_interval` and their correlation make the difference's (Zou and Donner 2008, MOVER): percentiles
    of the difference, which is skewed near an AUC of 1, let too many worse challengers pass.
    """
    measures = [_measure(pair) for pair in pairs]
    observed = [measure(np.ones((1, groups))) for measure in measures]
    drawn: list[list[dict[str, Floats]]] = [[] for _ in pairs]
    width = max((len(pair.fake) for pair in pairs), default=0)
    for counts in resampled_weights(np.arange(groups), resamples=resamples, seed=seed, width=width):
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
    interval = difference_interval(observed, drawn, _independent(pair, name), confidence)
    reason = "" if interval else "a class vanishes from too many resamples"
    same = interval is not None and bool(np.nanmax(np.abs(drawn[:, 1] - drawn[:, 0])) < ROUNDING)
    champion, challenger = map(float, observed)
    return PairedNumber(champion, challenger, challenger - champion, interval, reason, same)


def difference_interval(
    observed: Floats, drawn: Floats, independent: Independent, confidence: float
) -> Interval | None:
    """Of the second less the first of two shares or areas (2,), from their common resamples (R, 2).

    d -+ sqrt(x^2 + y^2 - 2 r x y) with the distances x, y from each value to the end of its own interval and the
    correlation r of the resamples (Zou and Donner 2008, MOVER); r is 0 where one of them does not vary.
    """
    first, second = (bounded_interval(float(observed[at]), drawn[:, at], independent, confidence) for at in (0, 1))
    if first is None or second is None:
        return None
    valid = drawn[~np.isnan(drawn).any(axis=1)]
    varied = bool((valid.std(axis=0) > ROUNDING).all())
    r = float(np.corrcoef(valid, rowvar=False)[0, 1]) if varied else 0.0
    before, after = map(float, observed)

    def reach(x: float, y: float) -> float:
        return float(np.sqrt(max(0.0, x * x + y * y - 2 * r * x * y)))

    difference = after - before
    return difference - reach(after - second[0], first[1] - before), difference + reach(
        second[1] - after, before - first[0]
    )


def _independent(pair: Pair, name: str) -> Independent:
    needs = NEEDS[name]
    if len(needs) > 1:
        return Independent.of(pair.groups, pair.fake)
    return Independent.of_one_class(pair.groups[pair.fake == needs[0]])


def _lacking(pair: Pair, name: str) -> str:
    """Why the rows can't bear this metric; empty where they can."""
    for flag in NEEDS[name]:
        rows, label = pair.groups[pair.fake == flag], "fake" if flag else "real"
        if len(rows) < MIN_ROWS:
            return f"only {len(rows)} {label}"
        if len(np.unique(rows)) < 2:
            return f"every {label} is of one group"
    return ""
