"""Run a detector over crops: decoded in threads, one batch ahead of the network, nothing kept but its outputs."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from unmask.console import track
from unmask.data.decode import decode_image
from unmask.data.preprocess import Pixels, PreprocessSpec, crop
from unmask.data.shards import ShardReader
from unmask.models.detector import Detector

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
    target = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    prepared = detector.spec.preprocess
    spec = PreprocessSpec(prepared.size_px, prepared.window_px, prepared.shrink)
    detector = detector.to(target).eval()
    parts: list[tuple[npt.NDArray[np.float64], ...]] = []
    with ThreadPoolExecutor(max(1, workers)) as pool, torch.inference_mode():
        batches = _decoded(keys, ShardReader(root), spec, pool)
        for pixels in track(batches, what, total=-(-len(keys) // BATCH)):
            images = torch.from_numpy(pixels).to(target).permute(0, 3, 1, 2).float() / 255
            output = detector(images)
            found = (output.logit, output.scores, output.marginals, output.embedding)
            parts.append(tuple(part.double().cpu().numpy() for part in found))
    logit, scores, marginals, embedding = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Predicted(logit, scores.astype(np.float32), marginals.astype(np.float32), embedding.astype(np.float32))


def _decoded(
    keys: Sequence[str], reader: ShardReader, spec: PreprocessSpec, pool: ThreadPoolExecutor
) -> Iterator[Pixels]:
    def one(key: str) -> Pixels:
        return crop(decode_image(reader.read(key)), spec)

    def start(first: int) -> list[Future[Pixels]]:
        return [pool.submit(one, key) for key in keys[first : first + BATCH]]

    # Two batches in flight: the pool decodes the next one while the network works, and memory stays bounded.
    waiting = start(0)
    for first in range(BATCH, len(keys) + BATCH, BATCH):
        ready, waiting = waiting, start(first)
        yield np.stack([future.result() for future in ready])
