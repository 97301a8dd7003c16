"""Bias between domains: how far the best and the worst served one lie apart, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from unmask.config import Evaluate
from unmask.evaluation.bootstrap import effective_rows, group_codes, resampled_weights
from unmask.evaluation.measure import Candidate, score_rows

# metric -> classes that it needs
NEEDS = {"auc": ("real", "fake"), "fpr": ("real",), "recall": ("fake",)}
FEW_ARE_GOOD = frozenset({"fpr"})
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """One metric of D domains: values (D,), resampled values (R, D), and rows (D,) that an error-free rate rests on."""

    domains: tuple[str, ...]
    values: Floats
    drawn: Floats
    rows: Floats

    def errors(self) -> Floats:
        """Standard errors (D,); where the value is 0 or 1 no resample differs, so one error more is assumed there."""
        errors = np.nanstd(self.drawn, axis=0, ddof=1)
        share = (self.values * self.rows + 1) / (self.rows + 2)
        return np.asarray(np.where(np.isin(self.values, (0.0, 1.0)), np.sqrt(share * (1 - share) / self.rows), errors))


def domain_gaps(candidate: Candidate, *, settings: Evaluate, seed: int) -> list[dict[str, Any]]:
    """The largest gap of each metric of `NEEDS` between domains of a candidate's test rows, JSON-ready.

    A row is {metric, domains, left_out, best, worst, gap}; `gap` is {value, low, high} and holds for all pairs of
    domains at once, since the pair was chosen for its gap; None with a `reason` where fewer than two domains have a
    value. `left_out` names domains without one.
    """
    test = candidate.test.reset_index(drop=True)
    parts = {str(name): rows for name, rows in test.groupby("domain", sort=True)}
    drawn = _drawn(candidate, test, parts, settings, seed)
    return [_gap(metric, _spread(candidate, metric, parts, drawn), set(parts), settings) for metric in NEEDS]


def _drawn(
    candidate: Candidate, test: pd.DataFrame, parts: Mapping[str, pd.DataFrame], settings: Evaluate, seed: int
) -> dict[str, dict[str, Floats]]:
    """What each domain measures in every resample (R,) of all test groups: shared groups come and go together."""
    groups = group_codes(test["group"])
    scored = {name: score_rows(rows, candidate.calibration.thresholds) for name, rows in parts.items()}
    # `score_rows` sorts by the score, and weights come in that order.
    places = {name: rows.index[np.argsort(rows["logit"].to_numpy(), kind="stable")] for name, rows in parts.items()}
    drawn = resampled_weights(groups, resamples=settings.bootstrap, seed=seed)
    measured = [{name: one.measure(weights[:, places[name]]) for name, one in scored.items()} for weights in drawn]
    return {
        name: {metric: np.concatenate([part[name][metric] for part in measured]) for metric in NEEDS} for name in parts
    }


def _spread(
    candidate: Candidate,
    metric: str,
    parts: Mapping[str, pd.DataFrame],
    drawn: Mapping[str, Mapping[str, Floats]],
) -> Spread:
    measured = {row["name"]: row["metrics"].get(metric, {}).get("value") for row in candidate.of_kind("domain")}
    names = tuple(name for name in parts if measured.get(name) is not None)
    values = np.asarray([drawn[name][metric] for name in names], dtype=np.float64)
    rows = np.asarray([_independent(parts[name], NEEDS[metric]) for name in names], dtype=np.float64)
    return Spread(names, np.asarray([measured[name] for name in names], dtype=np.float64), values.T, rows)


def _independent(part: pd.DataFrame, labels: Sequence[str]) -> float:
    """Effective rows of the smallest class among LABELS."""
    return min(effective_rows(group_codes(part.loc[part["label"] == label, "group"])) for label in labels)


def _gap(metric: str, spread: Spread, domains: set[str], settings: Evaluate) -> dict[str, Any]:
    left_out = sorted(domains - set(spread.domains))
    row: dict[str, Any] = {"metric": metric, "domains": len(spread.domains), "left_out": left_out}
    if len(spread.domains) < 2:
        nothing = {"value": None, "low": None, "high": None, "reason": "fewer than two domains have a value"}
        return row | {"best": "", "worst": "", "gap": nothing}
    high, low = int(np.argmax(spread.values)), int(np.argmin(spread.values))
    half = simultaneous_half_width(spread, settings.confidence) * _pair_error(spread, high, low)
    value = float(spread.values[high] - spread.values[low])
    ends = {"value": value, "low": max(-1.0, value - half), "high": min(1.0, value + half)}
    best, worst = (low, high) if metric in FEW_ARE_GOOD else (high, low)
    named = {"best": spread.domains[best], "worst": spread.domains[worst]}
    return row | named | {"gap": {name: round(end, 5) for name, end in ends.items()}}


def _pair_error(spread: Spread, first: int, second: int) -> float:
    """Standard error of a difference: resampled together, so that groups in both domains count as what they are."""
    errors = spread.errors()
    apart = float(np.hypot(errors[first], errors[second]))
    if np.isin(spread.values[[first, second]], (0.0, 1.0)).any():
        return apart
    return float(np.nanstd(spread.drawn[:, first] - spread.drawn[:, second], ddof=1)) or apart


def simultaneous_half_width(spread: Spread, confidence: float) -> float:
    """Standard errors that cover the gaps of all pairs at once (bootstrap of the largest studentised deviation).

    After Tukey's studentised range; the bootstrap keeps the dependence between pairs (Efron and Tibshirani 1993).
    At least those of a single pair: where no resample differs at all, the bootstrap sees no error.
    """
    largest = np.zeros(len(spread.drawn))
    for first, second in combinations(range(len(spread.domains)), 2):
        moved = (spread.drawn[:, first] - spread.values[first]) - (spread.drawn[:, second] - spread.values[second])
        largest = np.fmax(largest, np.abs(moved) / _pair_error(spread, first, second))
    return max(float(np.quantile(largest, confidence)), float(norm.ppf((1 + confidence) / 2)))


def domain_table(candidates: Sequence[Candidate]) -> pd.DataFrame:
    """AUC and false-positive rate of each domain with their intervals, flat, for `dvc plots` and spreadsheets."""
    lines = []
    for first in candidates[0].of_kind("domain"):
        line: dict[str, Any] = {"domain": first["name"], "n_real": first["n_real"], "n_fake": first["n_fake"]}
        for candidate in candidates:
            found = candidate.find(first["name"], kind="domain")
            for metric in ("auc", "fpr") if found else ():
                number = found["metrics"].get(metric, {}) if found else {}
                names = {"value": f"{candidate.name}_{metric}"}
                names |= {end: f"{candidate.name}_{metric}_{end}" for end in ("low", "high")}
                line |= {name: number.get(end) for end, name in names.items()}
        lines.append(line)
    return pd.DataFrame(lines)
