"""Do 95 % intervals hold the truth in about 95 % of simulated data sets whose truth is known?"""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import norm

from unmask.config import Evaluate
from unmask.evaluation.metrics import Scored, scored
from unmask.evaluation.numbers import measure_rows
from unmask.serving.verdict import Thresholds, calibrate

DATA_SETS = 2000
SETTINGS = Evaluate(bootstrap=100, confidence=0.95, fake_fpr=0.02, real_miss=0.05, worst=1)
CHECKED = ("auc", "fpr", "recall", "balanced_accuracy")


@dataclass(frozen=True)
class World:
    """Scores of two normals, a part of whose variance a group's rows share; classes mixed in each group or apart."""

    groups: int
    rows: int
    shared: float
    auc: float
    mixed: bool
    unequal: bool

    @property
    def shift(self) -> float:
        """How far fakes lie above reals."""
        return float(norm.ppf(self.auc) * 2**0.5)

    def truth(self) -> dict[str, float]:
        """What endless data would show; the threshold stands at a false-positive rate of 5 %."""
        recall = float(norm.sf(norm.isf(0.05) - self.shift))
        return {"auc": self.auc, "fpr": 0.05, "recall": recall, "balanced_accuracy": (recall + 0.95) / 2}

    def draw(self, generator: np.random.Generator) -> Scored:
        """One data set."""
        sizes = generator.geometric(1 / self.rows, self.groups) if self.unequal else np.full(self.groups, self.rows)
        groups = np.repeat(np.arange(self.groups), sizes)
        fake = generator.random(len(groups)) < 0.5 if self.mixed else groups % 2 == 1
        person, alone = generator.normal(size=self.groups)[groups], generator.normal(size=len(groups))
        score = self.shared**0.5 * person + (1 - self.shared) ** 0.5 * alone + self.shift * fake
        cut = float(calibrate(float(norm.isf(0.05)), 1.0))
        return scored(
            fake=fake, logit=score, p=calibrate(score, 1.0), groups=groups, thresholds=Thresholds(cut, cut / 2)
        )


@pytest.mark.parametrize(
    "world",
    [
        World(groups=60, rows=4, shared=0.5, auc=0.95, mixed=True, unequal=False),
        World(groups=40, rows=10, shared=0.2, auc=0.9, mixed=False, unequal=False),
        World(groups=60, rows=4, shared=0.5, auc=0.8, mixed=False, unequal=True),
    ],
    ids=["pairs", "classes in groups of their own", "groups of unequal size"],
)
def test_intervals_hold_the_truth_in_92_to_98_of_100_data_sets(world: World) -> None:
    """U-E3."""
    generator, truth = np.random.default_rng(11), world.truth()
    held = dict.fromkeys(CHECKED, 0)
    for index in range(DATA_SETS):
        numbers = measure_rows(world.draw(generator), SETTINGS, seed=index)
        for name in CHECKED:
            held[name] += numbers[name]["low"] <= truth[name] <= numbers[name]["high"]
    shares = {name: count / DATA_SETS for name, count in held.items()}
    assert all(0.92 <= share <= 0.98 for share in shares.values()), shares
