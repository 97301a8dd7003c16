"""What a model makes of the held-out pictures, and champion against challenger at one false-positive rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.drill.pictures import REAL, Picture
from benchmarks.drill.servers import service
from unmask.client import Client
from unmask.errors import DataError
from unmask.evaluation.bootstrap import group_codes, percentiles, resampled

RESAMPLES, CONFIDENCE = 1000, 0.95
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Scores:
    """A model's probabilities (n,) of the held-out pictures, in their order, and which of them it calls fake (n,)."""

    model: str
    probabilities: Floats
    called_fake: Bools


@dataclass(frozen=True)
class Change:
    """Champion and challenger on one generator: recall at the same false-positive rate, AUC, and their own verdicts.

    LOW and HIGH are the ends of the change of recall's 95 % interval, over groups; `own` are shares called fake.
    """

    generator: str
    pictures: int
    recall: tuple[float, float]
    low: float
    high: float
    auc: tuple[float, float]
    own: tuple[float, float]

    @property
    def change(self) -> float:
        """What the challenger gains."""
        return self.recall[1] - self.recall[0]


def score(root: Path, bundle: Path, pictures: Sequence[Picture], log: Path) -> Scores:
    """Send PICTURES to a service of the BUNDLE alone, which logs and keeps none of them.

    Raises:
        DataError: a picture got no judgement.
        ServiceError: the service does not answer.
    """
    own = {"UNMASK_BUNDLE": str(bundle.resolve()), "UNMASK_SERVING_STATE": str(log.with_suffix(".state"))}
    own |= {"UNMASK_SERVING_TRAFFIC_LOG": "false", "UNMASK_SERVING_POLL_S": "0"}
    with service(root, log, **own) as url, Client(url, pictures=16) as client:
        answers = list(client.predict_many(picture.data for picture in pictures))
    judged = [answer.judgement for answer in answers if answer.judgement is not None]
    if len(judged) < len(pictures):
        first = next(at for at, answer in enumerate(answers) if answer.judgement is None)
        raise DataError(f"{pictures[first].name}: {answers[first].error or 'no face was found'}")
    source = answers[0].source
    return Scores(
        source.model_version if source else "",
        np.array([one.probability for one in judged]),
        np.array([one.verdict == "fake" for one in judged]),
    )


def compare(pictures: Sequence[Picture], before: Scores, after: Scores, *, rate: float, seed: int) -> list[Change]:
    """The change on each generator, both models at thresholds that call RATE of the held-out photographs fake."""
    generators = np.array([picture.generator if picture.label == "fake" else REAL for picture in pictures])
    groups = group_codes([picture.group for picture in pictures])
    names = sorted(set(generators) - {REAL})

    def measure(weights: Floats) -> dict[str, Floats]:
        both = [recalls(scores.probabilities, generators, weights, rate=rate) for scores in (before, after)]
        return {name: both[1][name] - both[0][name] for name in names}

    once = np.ones((1, len(pictures)))
    first, second = (recalls(scores.probabilities, generators, once, rate=rate) for scores in (before, after))
    drawn = resampled(measure, groups, resamples=RESAMPLES, seed=seed)
    changes = []
    for name in names:
        of = generators == name
        low, high = percentiles(drawn[name], CONFIDENCE) or (float("nan"), float("nan"))
        areas = [auc(scores.probabilities[generators == REAL], scores.probabilities[of]) for scores in (before, after)]
        own = [float(scores.called_fake[of].mean()) for scores in (before, after)]
        recall = (float(first[name][0]), float(second[name][0]))
        changes.append(Change(name, int(of.sum()), recall, low, high, (areas[0], areas[1]), (own[0], own[1])))
    return changes


def recalls(probabilities: Floats, generators: NDArray[np.str_], weights: Floats, *, rate: float) -> dict[str, Floats]:
    """Share of each generator above the threshold that at most RATE of the reals exceed, for WEIGHTS (b, n): (b,)."""
    limits = thresholds(probabilities[generators == REAL], weights[:, generators == REAL], rate=rate)
    above = probabilities > limits[:, None]
    found = {}
    for name in set(generators) - {REAL}:
        of = weights[:, generators == name]
        with np.errstate(invalid="ignore"):  # a resample without one of its groups says nothing
            found[name] = (above[:, generators == name] * of).sum(axis=1) / of.sum(axis=1)
    return found


def thresholds(reals: Floats, weights: Floats, *, rate: float) -> Floats:
    """The least of the scores REALS (n,) that at most RATE of their weight lies above, for WEIGHTS (b, n): (b,)."""
    order = np.argsort(-reals, kind="stable")
    ordered, shares = reals[order], weights[:, order]
    # Weight strictly above each place; ties lie together.
    first = np.searchsorted(-ordered, -ordered, side="left")
    above = np.concatenate([np.zeros((len(shares), 1)), np.cumsum(shares, axis=1)], axis=1)[:, first]
    allowed = above <= rate * shares.sum(axis=1, keepdims=True) + 1e-9
    limits: Floats = np.where(allowed, ordered, np.inf).min(axis=1)
    return limits


def auc(reals: Floats, fakes: Floats) -> float:
    """Share of pairs of a real and a fake in which the fake scores higher; ties count half."""
    higher, equal = fakes[:, None] > reals, fakes[:, None] == reals
    return float((higher + equal / 2).mean())


def false_positive_rate(pictures: Sequence[Picture], scores: Scores) -> float:
    """Share of the held-out photographs that the model's own verdict calls fake."""
    real = np.array([picture.label == "real" for picture in pictures])
    return float(scores.called_fake[real].mean())
