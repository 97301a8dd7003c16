"""Two detectors whose true AUC is known, on rows in groups."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from unmask.evaluation.comparison.pairs import Pair, Said


@dataclass(frozen=True)
class Rows:
    fake: np.ndarray
    generator: np.ndarray  # -1 for reals
    groups: np.ndarray
    champion: np.ndarray
    challenger: np.ndarray


def draw(
    seed: int, *, rows: int, champion: Sequence[float], challenger: Sequence[float], alike: float, group: int = 1
) -> Rows:
    """Half reals, the fakes shared evenly by generators with the AUC given; ALIKE is the correlation of the scores.

    Half of a score's variance is its group's where groups hold several rows. Reals are standard normal, so that a
    generator at AUC a is shifted by the square root of 2 times the normal quantile of a (binormal model).
    """
    random = np.random.default_rng(seed)
    fake = random.permutation(np.arange(rows) % 2 == 1)
    generator = np.where(fake, random.integers(0, len(champion), rows), -1)
    groups = np.arange(rows) // group

    def noise() -> np.ndarray:
        own = random.normal(size=rows)
        return own if group == 1 else (random.normal(size=groups[-1] + 1)[groups] + own) / np.sqrt(2)

    common = noise()
    scores = [
        np.where(fake, np.sqrt(2) * norm.ppf(aucs)[generator], 0.0)
        + np.sqrt(alike) * common
        + np.sqrt(1 - alike) * noise()
        for aucs in (np.asarray(champion), np.asarray(challenger))
    ]
    return Rows(fake, generator, groups, *scores)


def pairs_of(rows: Rows) -> Iterator[Pair]:
    """All rows, then each generator against all reals."""
    every = np.ones(len(rows.fake), dtype=bool)
    parts = [(every, "overall", "all")]
    parts += [
        (~rows.fake | (rows.generator == one), "generator", f"s / {one}") for one in range(rows.generator.max() + 1)
    ]
    for kept, kind, name in parts:
        said = [Said(scores[kept], scores[kept] > 2.0) for scores in (rows.champion, rows.challenger)]
        yield Pair(kind, name, "frame", rows.fake[kept], rows.groups[kept], *said)
