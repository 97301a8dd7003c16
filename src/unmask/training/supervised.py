"""What teacher and student share: balanced batches, level losses on marginals, the validation score."""

from collections.abc import Iterator
from itertools import islice
from typing import Protocol

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy

from unmask.config import Config
from unmask.data.loading import Crops, balanced_order
from unmask.labels.graph import LabelGraph
from unmask.learning.fidelity import fidelity_loss, level_losses
from unmask.training.augment import augment, centre_crop, random_crop

LEVELS = ("binary", "global", "local")


class Scores(Protocol):
    """The part of a detector's output that validation reads."""

    logit: Tensor


def balanced_batches(crops: Crops, size: int, *, seed: int, epoch: int) -> list[list[int]]:
    """Batches of SIZE rows, half real and half fake; a last short batch is dropped unless it is the only one."""
    flat = [row for pair in balanced_order(crops, seed=seed, epoch=epoch) for row in pair]
    whole = max(size, len(flat) // size * size)
    return [flat[start : start + size] for start in range(0, min(whole, len(flat)), size)]


def domain_batches(crops: Crops, size: int, *, seed: int, epoch: int) -> list[list[int]]:
    """As `balanced_batches`, and each half shared out evenly among the domains that have such crops (methods: 3.5).

    A domain with fewer crops than its share stands in a batch with each of them once, and the others fill up.
    """
    batches = balanced_batches(crops, size, seed=seed, epoch=epoch)
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    widths = [len(batch) // 2 for batch in batches]
    real, fake = (_shared_out(flag, crops.domain, widths, generator) for flag in (crops.real, crops.fake))
    return [[row for pair in zip(*halves, strict=True) for row in pair] for halves in zip(real, fake, strict=True)]


def endless(rows: Tensor, generator: torch.Generator) -> Iterator[int]:
    """Rows (N,) over and over, each time in a fresh order."""
    while True:
        yield from rows[torch.randperm(len(rows), generator=generator)].tolist()


def _shared_out(chosen: Tensor, domain: Tensor, widths: list[int], generator: torch.Generator) -> list[list[int]]:
    """For each width, as many rows of the chosen ones (N,) bool, evenly from every domain (N,) among them."""
    rows = [torch.nonzero(chosen & (domain == code)).flatten() for code in torch.unique(domain[chosen])]
    streams = [endless(each, generator) for each in rows]
    total = sum(map(len, rows))
    batches = []
    for number, width in enumerate(widths):
        rounds = -(-width // total)
        # Another domain comes first each time, so that what does not divide evenly evens out.
        turns = ((turn, (place + number) % len(rows)) for turn in range(width) for place in range(len(rows)))
        picked = (place for turn, place in turns if turn < rounds * len(rows[place]))
        batches.append([next(streams[place]) for place in islice(picked, width)])
    return batches


def pictures_and_labels(
    fabric: Fabric, crops: Crops, rows: list[int], config: Config, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Augmented pictures (B, 3, S, S), label vectors and their masks (B, n) of rows, on the device."""
    cut = fabric.to_device(random_crop(crops.windows, rows, config.preprocess.size_px, generator))
    target, known = (fabric.to_device(column[rows]) for column in (crops.target, crops.known))
    return augment(cut, config.augment, generator), target, known


def supervised_levels(
    marginals: Tensor, target: Tensor, known: Tensor, graph: LabelGraph, *, cross_entropy: float
) -> Tensor:
    """Losses of the three levels, masked; (B, n) -> (3,).

    Fidelity (methods: 1.8) mixed with a share of cross-entropy, which a from-scratch encoder needs at first.
    """
    # A graph of the root alone reads the first column of the label vectors.
    target, known = (column[:, : marginals.shape[1]].to(marginals.dtype) for column in (target, known))
    elementwise = torch.zeros_like(marginals)
    # Autocast on CUDA refuses cross-entropy of probabilities, though these are float64.
    with torch.autocast(marginals.device.type, enabled=False):
        if cross_entropy > 0:
            # A sum of exponentials may pass 1 by a rounding.
            entropy = binary_cross_entropy(marginals.clamp(0, 1), target, reduction="none")
            elementwise = elementwise + cross_entropy * entropy
        if cross_entropy < 1:
            elementwise = elementwise + (1 - cross_entropy) * fidelity_loss(marginals, target, known)
        return level_losses(elementwise, graph, known)


@torch.inference_mode()
def score_crops(fabric: Fabric, detector: nn.Module, crops: Crops, size: int, batch: int = 128) -> Tensor:
    """Log-odds of fake for the centre of every crop; (N,)."""
    detector.eval()
    logits = []
    for start in range(0, len(crops), batch):
        pictures = fabric.to_device(centre_crop(crops.windows[start : start + batch], size)).float().div(255)
        with fabric.autocast():
            logits.append(detector(pictures).logit.float().cpu())
    return torch.cat(logits)


def validation_auc(fabric: Fabric, detector: nn.Module, validation: Crops, size: int) -> float | None:
    """Area under the ROC curve on the validation crops; None where a class is missing."""
    if not bool(validation.real.any()) or not bool(validation.fake.any()):
        return None
    return auc(score_crops(fabric, detector, validation, size), validation.fake)


def auc(scores: Tensor, positive: Tensor) -> float:
    """Probability that a positive scores above a negative, ties counted half."""
    _, codes, counts = torch.unique(scores.double(), return_inverse=True, return_counts=True)
    middle = counts.cumsum(0).double() - (counts - 1) / 2
    ranks = middle[codes]
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    above = ranks[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(above / (n_positive * n_negative))
