"""The floor: what the cores can do with no service around it, in one process."""

import io
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.serve.peers.plain import decoded, probability, session
from unmask.serving.bundle import load_bundle
from unmask.serving.runtime import prepare

BATCHES = (1, 4, 8, 32)


class Floor:
    """Threads that decode, cut and infer, each on one core, a batch at a time, from bytes in memory to the logit."""

    def __init__(self, bundle: Path, pictures: Sequence[Path], *, threads: int) -> None:
        self.bundle, self.threads = load_bundle(bundle), threads
        self.session = session(bundle, threads=1)
        self.files = [path.read_bytes() for path in pictures]

    def probabilities(self) -> list[float]:
        """Of each picture, in order."""
        return [probability(logit, self.bundle) for logit in self._logits(0, len(self.files))]

    def rate(self, *, batch: int, seconds: float) -> float:
        """Pictures a second in batches of BATCH."""
        with ThreadPoolExecutor(self.threads) as pool:
            start = time.perf_counter()
            done = sum(pool.map(partial(self._work, batch, start + seconds), range(self.threads)))
            return done / (time.perf_counter() - start)

    def _work(self, batch: int, end: float, offset: int) -> int:
        done = 0
        while time.perf_counter() < end:
            self._logits(offset * len(self.files) // self.threads + done, batch)
            done += batch
        return done

    def _logits(self, first: int, count: int) -> list[float]:
        names = range(first, first + count)
        pictures = [decoded(io.BytesIO(self.files[number % len(self.files)])) for number in names]
        crops = np.stack([prepare(picture, self.bundle.preprocessing) for picture in pictures])
        return [float(logit) for logit in self.session.run(["logit"], {"image": crops})[0]]
