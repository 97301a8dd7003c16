"""One budget for every preset: picture passes, shared out over its stages, turned into epochs.

A pass is one picture forward and backward through an encoder; forward alone is a third (the backward pass costs about
twice the forward one). So a preset with more stages gets fewer steps in each.
"""

from dataclasses import asdict, dataclass

import pandas as pd

from unmask.config import Config
from unmask.training.methods import Method, pretrains

FORWARD = 1 / 3
SHARES = {  # of the budget, by what the method switches on: (contrast, distil)
    (True, True): (0.3, 0.4, 0.3),
    (True, False): (0.3, 0.7, 0.0),
    (False, False): (0.0, 1.0, 0.0),
}


@dataclass(frozen=True)
class Counts:
    """Training crops in all, and with a visible label by class."""

    crops: int
    real: int
    fake: int

    @classmethod
    def of(cls, rows: pd.DataFrame) -> "Counts":
        """Count rows whose hidden labels are blank."""
        return cls(len(rows), int((rows["label"] == "real").sum()), int((rows["label"] == "fake").sum()))


@dataclass(frozen=True)
class Plan:
    """Epochs of each stage (0 leaves it out) and the passes that they cost together."""

    pretrain: int
    teach: int
    distill: int
    passes: float

    def overrides(self, config: Config) -> list[str]:
        """Hydra overrides; cross-entropy keeps its share of the teacher's epochs."""
        warm = round(self.teach * config.teach.bce_epochs / config.teach.epochs)
        epochs = {name: max(1, value) for name, value in asdict(self).items() if name != "passes"}
        return [*(f"{name}.epochs={value}" for name, value in epochs.items()), f"teach.bce_epochs={warm}"]


def plan(method: Method, counts: Counts, config: Config, passes: float) -> Plan:
    """Epochs that come closest to the budget of PASSES, at least one of every stage that the method has."""
    costs = _pretrain_cost(counts, config), _teach_cost(method, counts, config), _distill_cost(counts, config)
    shares = SHARES[pretrains(method, config.encoder), method.distil]
    epochs = [max(1, round(passes * share / cost)) if share else 0 for share, cost in zip(shares, costs, strict=True)]
    spent = sum(count * cost for count, cost in zip(epochs, costs, strict=True))
    return Plan(pretrain=epochs[0], teach=epochs[1], distill=epochs[2], passes=spent)


def _pretrain_cost(counts: Counts, config: Config) -> float:
    """Query forward and backward, key forward."""
    batch = min(config.pretrain.optimiser.batch_size, counts.crops)
    return counts.crops // batch * batch * (1 + FORWARD)


def _teach_cost(method: Method, counts: Counts, config: Config) -> float:
    """A bi-level step adds one batch forward and backward and two forward; its look-ahead is the step at hand."""
    weights = (1 + 2 * FORWARD) / config.teach.bilevel.every if method.bilevel else 0.0
    each = FORWARD if method.frozen else 1.0
    return _balanced(counts, config.teach.optimiser.batch_size) * (each + weights)


def _distill_cost(counts: Counts, config: Config) -> float:
    """Student forward and backward, teacher forward."""
    section = config.distill
    extra = section.unlabelled_per_labelled if counts.crops > counts.real + counts.fake else 0
    return _balanced(counts, section.optimiser.batch_size // (1 + extra)) * (1 + extra) * (1 + FORWARD)


def _balanced(counts: Counts, batch: int) -> int:
    """Labelled crops drawn in an epoch: the larger class twice, in whole batches unless there is only one."""
    both = 2 * max(counts.real, counts.fake)
    return max(both // batch * batch, min(both, batch))
