"""Batches of a model that goes on learning: enough of what is new, and mostly what it knows already.

A few dozen reported pictures among thousands would hardly be seen; repeated until they fill half of each batch they
would push the rest out of the model.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise
from typing import Protocol

import torch
from torch import Tensor

from unmask.data.loading import Crops
from unmask.training.supervised import endless


class Draw(Protocol):
    """A way to make an epoch's batches."""

    def __call__(self, crops: Crops, size: int, *, seed: int, epoch: int) -> list[list[int]]:
        """Batches of SIZE row numbers, half real and half fake."""


@dataclass(frozen=True)
class Replay:
    """Least share of each class of a batch that no user reported, and most draws of a reported picture in an epoch."""

    share: float
    repeats: int

    def around(self, draw: Draw) -> Draw:
        """DRAW's batches of what no user reported, the end of each class replaced by what users did report."""
        return partial(self._batches, draw)

    def _batches(self, draw: Draw, crops: Crops, size: int, *, seed: int, epoch: int) -> list[list[int]]:
        known = [_without(flag, crops.reported) for flag in (crops.real, crops.fake)]
        batches = draw(dataclasses.replace(crops, real=known[0], fake=known[1]), size, seed=seed, epoch=epoch)
        generator = torch.Generator().manual_seed(seed * 15_485_863 + epoch)
        for flag, old in zip((crops.real, crops.fake), known, strict=True):
            self._replace(batches, torch.nonzero(flag & ~old).flatten(), old.tolist(), generator)
        return batches

    def _replace(self, batches: list[list[int]], new: Tensor, old: list[bool], generator: torch.Generator) -> None:
        if not len(new):
            return
        stream = endless(new, generator)
        places = [[place for place, row in enumerate(batch) if old[row]] for batch in batches]
        for batch, of_class, count in zip(batches, places, self._counts(places, len(new)), strict=True):
            # The last ones: domains take turns within a class, so that what is left is still shared out evenly.
            for place in of_class[len(of_class) - count :]:
                batch[place] = next(stream)

    def _counts(self, places: Sequence[Sequence[int]], new: int) -> list[int]:
        """How many rows of each batch are new; where repeats do not suffice for the share, evenly fewer."""
        wanted = [int((1 - self.share) * len(each) + 1e-9) for each in places]
        total, there = sum(wanted), min(sum(wanted), self.repeats * new)
        ends = [0, *(there * upto // total for upto in accumulate(wanted))] if total else [0] * (len(wanted) + 1)
        return [after - before for before, after in pairwise(ends)]


def _without(flag: Tensor, reported: Tensor) -> Tensor:
    """The rows of a class that nobody reported; all where there is no other."""
    known = flag & ~reported
    return known if bool(known.any()) else flag
