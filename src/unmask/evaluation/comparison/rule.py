"""The promotion rule: a challenger takes the champion's place only if every check passes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from unmask.config import Promote
from unmask.errors import DataError
from unmask.evaluation.bootstrap import Interval
from unmask.evaluation.comparison.paired import Difference, PairedNumber

Verdict = Literal["promote", "keep"]
Relation = Literal[">", ">=", "<="]
OVERALL = "overall:all"


@dataclass(frozen=True)
class Check:
    """One condition: what was measured, its interval, the bound that the interval's worse end must keep, and why.

    `figure` is None where nothing could be measured, which never passes.
    """

    name: str
    figure: float | None
    interval: Interval | None
    relation: Relation
    bound: float
    passed: bool
    reason: str


@dataclass(frozen=True)
class Latency:
    """Median time of one crop on one core in ms with its interval, or the reason why there is none."""

    milliseconds: float | None
    interval: Interval | None
    reason: str = ""


def verdict_of(checks: Sequence[Check]) -> Verdict:
    """Promote if all checks pass."""
    return "promote" if all(check.passed for check in checks) else "keep"


def difference_checks(differences: Sequence[Difference], settings: Promote, *, trigger: str) -> list[Check]:
    """Better where it was asked to be, and non-inferior overall and on every slice and tier of enough rows.

    Every check must pass, so that testing many slices makes no false promotion likelier: each keeps the level of its
    own interval (intersection-union test, Berger 1982). It costs power, which falls with every slice.

    Raises:
        DataError: TRIGGER names no slice.
    """
    overall, asked = find(differences, OVERALL), find(differences, trigger or OVERALL)
    checks = [_better(asked), _not_worse(overall, settings.margin)]
    others = [one for one in differences if one is not overall and one.rows >= settings.min_rows]
    return checks + [_not_worse(one, settings.slice_margin) for one in others]


def find(differences: Sequence[Difference], name: str) -> Difference:
    """The slice or tier of that title, or of that bare name where only one has it.

    Raises:
        DataError: there is none, or several.
    """
    exact = [one for one in differences if one.title == name]
    named = exact or [one for one in differences if one.level == "frame" and one.name == name]
    if len(named) != 1:
        titles = ", ".join(one.title for one in named or differences)
        raise DataError(f"{name}: {'several slices have' if named else 'no slice has'} this name; one of: {titles}")
    return named[0]


def cap_checks(fpr: Mapping[str, Any], latency: Latency, settings: Promote) -> Iterator[Check]:
    """The challenger's false-positive rate on all real test pictures and its latency, each within its cap."""
    name = "real photographs called fake"
    if fpr.get("value") is None:
        yield unmeasured(name, "<=", settings.max_fpr, str(fpr.get("reason", "no real picture")))
    else:
        interval = (float(fpr["low"]), float(fpr["high"]))
        told = f"{fpr['n_real']:,} reals"
        yield _measured(
            name, figure=fpr["value"], interval=interval, relation="<=", bound=settings.max_fpr, reason=told
        )
    name = "latency of one crop, ms"
    if latency.milliseconds is None or latency.interval is None:
        yield unmeasured(name, "<=", settings.max_latency_ms, latency.reason)
    else:
        cap, told = settings.max_latency_ms, "one core, measured now"
        figure, interval = latency.milliseconds, latency.interval
        yield _measured(name, figure=figure, interval=interval, relation="<=", bound=cap, reason=told)


def missing_tiers(tiers: Iterable[str]) -> list[Check]:
    """A tier in which the challenger was not tried on the champion's pictures is a check that it fails."""
    reason = "the challenger was tried on too few of these pictures"
    return [unmeasured(f"tier:{tier} scored by both", ">=", 0.0, reason) for tier in tiers]


def unmeasured(name: str, relation: Relation, bound: float, reason: str) -> Check:
    """The check of what could not be measured, which fails."""
    return Check(name, None, None, relation, bound, passed=False, reason=f"not measured: {reason}")


def _better(asked: Difference) -> Check:
    return _difference(f"better on {asked.title}, AUC", asked, asked.auc, ">", 0.0)


def _not_worse(part: Difference, margin: float) -> Check:
    """On AUC; where one class is missing, on the error that the other can show."""
    name = f"not worse on {part.title}"
    if part.auc.interval is None and part.recall.interval is not None:
        return _difference(f"{name}, recall", part, part.recall, ">=", -margin)
    if part.auc.interval is None and part.fpr.interval is not None:
        return _difference(f"{name}, false-positive rate", part, part.fpr, "<=", margin)
    return _difference(f"{name}, AUC", part, part.auc, ">=", -margin)


def _difference(name: str, part: Difference, number: PairedNumber, relation: Relation, bound: float) -> Check:
    if number.interval is None or number.difference is None:
        return unmeasured(name, relation, bound, number.reason)
    told = (
        f"{number.champion:.3f} to {number.challenger:.3f}; {part.n_real:,} reals, {part.n_fake:,} fakes, "
        f"{part.groups:,} groups"
    )
    check = _measured(
        name, figure=number.difference, interval=number.interval, relation=relation, bound=bound, reason=told
    )
    # Else two that solve a small slice alike would fail where a slightly worse one passes.
    if number.same and relation != ">":
        return replace(check, passed=True, reason=f"{told}; no picture tells them apart")
    return check


def _measured(name: str, *, figure: float, interval: Interval, relation: Relation, bound: float, reason: str) -> Check:
    """The worse end of the interval decides."""
    low, high = interval
    passed = {">": low > bound, ">=": low >= bound, "<=": high <= bound}[relation]
    return Check(name, figure, interval, relation, bound, passed, reason)
