"""Run a detector over crops: decoded in threads, one batch ahead of the network, nothing kept but its outputs."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unmask.console import track
from unmask.data.decode import decode_image
from unmask.data.preprocess import Pixels, PreprocessSpec, crop
from unmask.data.shards import ShardReader
from unmask.models.detector import Detector

Job = TypeVar("Job")
Loaded = TypeVar("Loaded")
BATCH = 64  # crops a forward pass; more only costs memory


@dataclass(frozen=True)
class Predicted:
    """What a detector said of rows (N,): log-odds of fake, label scores and marginals (N, n), embeddings (N, D)."""

    logit: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float32]
    marginals: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float32]


def predict(detector: Detector, keys: Sequence[str], root: Path, *, device: str, workers: int, what: str) -> Predicted:
    """Score the crops that KEYS name in the shards below ROOT, in order, in fp32, cut as the detector was trained.

    Raises:
        DataError: a shard is damaged or a crop does not decode.
    """
    target = target_device(device)
    spec, reader = spec_of(detector), ShardReader(root)
    detector = detector.to(target).eval()
    parts: list[Predicted] = []

    def load(key: str) -> Pixels:
        return crop(decode_image(reader.read(key)), spec)

    with ThreadPoolExecutor(max(1, workers)) as pool, torch.inference_mode():
        for pixels in track(prefetched(keys, load, pool), what, total=-(-len(keys) // BATCH)):
            output = detector(as_pictures(np.stack(pixels), target))
            rest = (part.float().cpu().numpy() for part in (output.scores, output.marginals, output.embedding))
            parts.append(Predicted(output.logit.double().cpu().numpy(), *rest))
    return Predicted(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in dataclasses.fields(Predicted))
    )


def target_device(name: str) -> torch.device:
    """The device of `scale.device`; `auto` is the GPU where there is one."""
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def spec_of(detector: Detector) -> PreprocessSpec:
    """How the detector's crops are cut."""
    prepared = detector.spec.preprocess
    return PreprocessSpec(prepared.size_px, prepared.window_px, prepared.shrink)


def as_pictures(pixels: Pixels, target: torch.device) -> Tensor:
    """Crops uint8 (B, H, W, 3) as the network takes them, float (B, 3, H, W) in [0, 1]."""
    return torch.from_numpy(pixels).to(target).permute(0, 3, 1, 2).float() / 255


def prefetched(jobs: Sequence[Job], load: Callable[[Job], Loaded], pool: ThreadPoolExecutor) -> Iterator[list[Loaded]]:
    """Load jobs in the pool and yield them in order, BATCH at a time."""

    def start(first: int) -> list[Future[Loaded]]:
        return [pool.submit(load, job) for job in jobs[first : first + BATCH]]

    # Two batches in flight: the pool decodes the next one while the network works, and memory stays bounded.
    waiting = start(0)
    for first in range(BATCH, len(jobs) + BATCH, BATCH):
        ready, waiting = waiting, start(first)
        yield [future.result() for future in ready]
