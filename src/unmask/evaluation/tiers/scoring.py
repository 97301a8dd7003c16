"""Detectors over degraded crops as worker processes hand them in; nothing is kept but the scores."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch

from unmask.console import track
from unmask.data.parallel import Workers, ordered_map, process_pool
from unmask.evaluation.predict import BATCH, as_pictures
from unmask.evaluation.tiers.originals import Job
from unmask.evaluation.tiers.worker import Degrader, Made
from unmask.models.detector import Detector

SCORES = ["candidate", "image_id", "name", "logit"]
MISSING = ["image_id", "name", "reason"]


@dataclass
class Scorer:
    """A detector on its device in eval mode that scores the degradations NAMES in batches, cut as `specs[CUT]` says."""

    candidate: str
    detector: Detector
    device: torch.device
    names: frozenset[str]
    cut: int
    scores: list[tuple[str, str, str, float]] = field(default_factory=list)
    _waiting: list[Made] = field(default_factory=list)

    def add(self, made: Made) -> None:
        """Take a crop in; every BATCH of them are scored."""
        if made.name in self.names:
            self._waiting.append(made)
        if len(self._waiting) == BATCH:
            self.finish()

    def finish(self) -> None:
        """Score what waits."""
        if not self._waiting:
            return
        pixels = np.stack([made.pixels[self.cut] for made in self._waiting])
        with torch.inference_mode():
            logits = self.detector(as_pictures(pixels, self.device)).logit.double().cpu().tolist()
        for made, logit in zip(self._waiting, logits, strict=True):
            self.scores.append((self.candidate, made.image_id, made.name, logit))
        self._waiting.clear()


def score(
    jobs: Sequence[Job], degrader: Degrader, scorers: Sequence[Scorer], workers: Workers
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Degrade and score: a row of SCORES for each candidate, picture and degradation; a row of MISSING for what failed.

    Raises:
        DataError: memory ran out over a file, or a worker process died time and again.
    """
    missing = []
    with process_pool(workers, len(jobs)) as pool:
        made_of: Iterable[list[Made]] = ordered_map(pool, degrader, jobs, ahead=workers.ahead)
        for made in (made for each in track(made_of, "degrading", total=len(jobs)) for made in each):
            if made.reason:
                missing.append((made.image_id, made.name, made.reason))
                continue
            for scorer in scorers:
                scorer.add(made)
    for scorer in scorers:
        scorer.finish()
    rows: list[tuple[Any, ...]] = [row for scorer in scorers for row in scorer.scores]
    return pd.DataFrame(rows, columns=SCORES), pd.DataFrame(missing, columns=MISSING)
