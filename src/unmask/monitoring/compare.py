"""One decision from many distances: has the window drifted from the reference, and in what?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unmask.config import Drift
from unmask.monitoring.rows import Rows
from unmask.monitoring.shift import (
    DomainAuc,
    areas,
    column_distances,
    discrepancies,
    domain_auc,
    domain_scores,
)
from unmask.monitoring.shuffles import Floats, Shuffles

DOMAIN, MMD = "embedding, domain classifier", "embedding, MMD"
MIN_GROUPS = 20  # of each side: fewer can't be shuffled in enough ways, nor folded
MOST_NOVEL = 50  # as many as the labels that start a retrain (MonitorSettings.feedback)


@dataclass(frozen=True)
class Finding:
    """One distance: what was observed and what shuffling gives on average, both as shares of pictures that moved.

    `strength` is their difference in standard deviations of the shuffles; `p_value` is of this distance alone,
    `adjusted_p` of the largest of all, which is the one to decide by.
    """

    name: str
    observed: float
    chance: float
    strength: float
    p_value: float
    adjusted_p: float

    @property
    def moved(self) -> float:
        """Share of pictures that moved beyond chance."""
        return max(0.0, self.observed - self.chance)


@dataclass(frozen=True)
class Novel:
    """A row of the window and the share of reference rows that look less like the window than it does."""

    id: str
    novelty: float


@dataclass(frozen=True)
class Compared:
    """What a comparison found; findings are sorted by strength, `not_compared` are columns that a side has not.

    A move of fewer than `visible` of the pictures, in one column, would not have been told from chance.
    """

    p_value: float
    findings: list[Finding]
    drifted: list[Finding]
    domain: DomainAuc
    visible: float
    novel: list[Novel]
    not_compared: list[str]


@dataclass(frozen=True)
class Sides:
    """The distinct rows that are compared, the window cut to the reference's size.

    With more rows of the window than of the reference, whose groups are larger, shuffling groups would give too small
    a spread and too many alarms.
    """

    reference: Rows
    window: Rows

    @classmethod
    def of(cls, reference: Rows, window: Rows, settings: Drift, *, seed: int) -> "Sides | str":
        """Sides of a comparison, or why there is nothing to decide."""
        reference = reference.distinct().at_most(settings.max_rows, seed=seed)
        window = window.distinct()
        lacking = too_few(window, "the window", settings) or too_few(reference, "the reference", settings)
        if lacking:
            return lacking
        return cls(reference, window.at_most(len(reference), seed=seed))


def too_few(rows: Rows, what: str, settings: Drift) -> str:
    """Why distinct ROWS are too few to decide anything by; empty where they are enough."""
    groups = len(np.unique(rows.groups))
    if len(rows) >= settings.min_rows and groups >= MIN_GROUPS:
        return ""
    needed = f"{settings.min_rows} (drift.min_rows) in {MIN_GROUPS} groups are needed"
    return f"{what} has {len(rows)} distinct pictures in {groups} groups; {needed}"


def compare(sides: Sides, settings: Drift, *, seed: int) -> Compared:
    """Measure all distances under the same permutations of groups, and decide by the largest.

    It is held, in standard deviations of its own permutations, against the largest of each permutation (Westfall and
    Young 1993), so that a window without drift raises an alarm in at most `level` of the cases, however many columns
    there are.
    """
    reference, window = sides.reference, sides.window
    columns, missing = _shared_columns(reference, window)
    shuffles = Shuffles.of(reference.groups, window.groups, permutations=settings.permutations, seed=seed)
    embeddings = np.concatenate([reference.embeddings, window.embeddings])
    scores = domain_scores(embeddings, shuffles, seed=seed)
    distances = {name: column_distances(values, shuffles) for name, values in columns.items()}
    distances[DOMAIN] = 2 * areas(scores, shuffles) - 1
    distances[MMD] = discrepancies(embeddings, shuffles)
    findings, visible = _judge(distances, settings.level)
    return Compared(
        p_value=findings[0].adjusted_p,
        findings=findings,
        drifted=[each for each in findings if each.adjusted_p <= settings.level and each.moved >= settings.min_moved],
        domain=domain_auc(scores, shuffles, seed=seed),
        visible=visible,
        novel=_most_novel(window.ids, scores[: len(reference), 0], scores[len(reference) :, 0]),
        not_compared=missing,
    )


def _shared_columns(reference: Rows, window: Rows) -> tuple[dict[str, Floats], list[str]]:
    """Columns (N,) that both sides have in every row, and the names of the others."""
    complete = [set(rows.columns.columns[rows.columns.notna().all()]) for rows in (reference, window)]
    names = list(dict.fromkeys([*reference.columns, *window.columns]))
    shared = {
        name: np.concatenate([rows.columns[name].to_numpy(dtype=np.float64) for rows in (reference, window)])
        for name in names
        if all(name in each for each in complete)
    }
    return shared, [name for name in names if name not in shared]


def _judge(distances: dict[str, Floats], level: float) -> tuple[list[Finding], float]:
    """Findings, strongest first, and the least distance of a column that would have counted."""
    observed = np.stack(list(distances.values()), axis=1)
    # the observed one counts among the shuffles: without drift it is one of them, which makes the test exact
    mean, spread = observed.mean(axis=0), np.maximum(observed.std(axis=0), 1e-12)
    strength = (observed - mean) / spread
    largest = strength.max(axis=1)
    findings = [
        Finding(
            name=name,
            observed=float(observed[0, place]),
            chance=float(mean[place]),
            strength=float(strength[0, place]),
            p_value=float((observed[:, place] >= observed[0, place]).mean()),
            adjusted_p=float((largest >= strength[0, place]).mean()),
        )
        for place, name in enumerate(distances)
    ]
    critical = np.quantile(largest, 1 - level, method="higher")
    varied = np.array([name not in (DOMAIN, MMD) for name in distances]) & observed.any(axis=0)
    visible = float(np.median((mean + critical * spread)[varied])) if varied.any() else 1.0
    findings.sort(key=lambda each: -each.strength)
    return findings, visible


def _most_novel(ids: NDArray[np.str_], reference: Floats, window: Floats) -> list[Novel]:
    below = np.searchsorted(np.sort(reference), window) / len(reference)
    order = np.argsort(-window, kind="stable")[:MOST_NOVEL]
    return [Novel(str(ids[place]), float(below[place])) for place in order]
