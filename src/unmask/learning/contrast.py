"""Momentum contrast with a queue (MoCo v2, arXiv 2003.04297), the self-supervised stage of SCL-KD (methods: 4.2)."""

import copy
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MoCo(nn.Module):
    """A query branch that learns, a key branch that follows it slowly, and a queue of earlier keys as negatives.

    `make_encoder` gives a module with `embed_dim` and (B, 3, H, W) -> (B, embed_dim). In train mode both branches
    normalise by their own batch. The batch's other keys, which share those statistics and the age of the positive,
    are negatives besides the queue, so neither gives the positive away. Queue, key branch and pointer belong to the
    state dict, so training resumes exactly.
    """

    queue: Tensor
    queue_group: Tensor
    pointer: Tensor

    def __init__(
        self, make_encoder: Callable[[], nn.Module], *, dim: int, queue: int, momentum: float, temperature: float
    ) -> None:
        super().__init__()
        self.momentum = momentum
        self.temperature = temperature
        self.encoder = make_encoder()
        width = int(self.encoder.embed_dim)  # type: ignore[arg-type]
        self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU(inplace=True), nn.Linear(width, dim))
        self.key_encoder = copy.deepcopy(self.encoder).requires_grad_(False)
        self.key_head = copy.deepcopy(self.head).requires_grad_(False)
        self.register_buffer("queue", F.normalize(torch.randn(dim, queue), dim=0))
        self.register_buffer("queue_group", torch.full((queue,), -1, dtype=torch.int64))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.int64))

    def train(self, mode: bool = True) -> Self:
        """Switch both branches; an encoder alone would keep the key branch's frozen normalisations in eval mode."""
        super().train(mode)
        for module in self.key_encoder.modules():
            module.training = mode
        return self

    def forward(self, view_q: Tensor, view_k: Tensor, group: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits (B, 1 + K + B), the positive first, then queue and batch, and targets (B,), all 0.

        In train mode the key branch first moves towards the query branch, and the keys join the queue at the end.
        Entries of a picture's own GROUP (B,) int64 are no negatives, nor is its own key; a group below 0 is unknown.
        """
        if self.training:
            self.update_keys()
        query = F.normalize(self.head(self.encoder(view_q)).float(), dim=1)
        with torch.no_grad():
            keys = F.normalize(self.key_head(self.key_encoder(view_k)).float(), dim=1)
        positive = (query * keys).sum(dim=1, keepdim=True)
        # A copy of the queue, because enqueueing below writes into what backward still needs.
        columns = torch.cat([self.queue.clone(), keys.T], dim=1)
        with torch.autocast(query.device.type, enabled=False):  # it would round the negatives and not the positive
            negative = query @ columns
        negative[:, self.queue.shape[1] :].fill_diagonal_(-torch.inf)
        if group is not None:
            known = torch.cat([self.queue_group, group])
            same = (group[:, None] == known) & (group[:, None] >= 0)
            negative = negative.masked_fill(same, -torch.inf)
        if self.training:
            self.enqueue(keys, group)
        logits = torch.cat([positive, negative], dim=1) / self.temperature
        return logits, torch.zeros(len(logits), dtype=torch.int64, device=logits.device)

    @torch.no_grad()
    def enqueue(self, keys: Tensor, group: Tensor | None = None) -> None:
        """Overwrite the oldest columns of the queue with keys (B, dim), wrapping around; of more than K, the last K."""
        size = self.queue.shape[1]
        group = torch.full((len(keys),), -1, device=keys.device) if group is None else group
        keys, group = keys[-size:], group[-size:]
        columns = (self.pointer + torch.arange(len(keys), device=keys.device)) % size
        self.queue[:, columns] = keys.T.to(self.queue.dtype)
        self.queue_group[columns] = group.to(self.queue_group.dtype)
        self.pointer.copy_((self.pointer + len(keys)) % size)

    @torch.no_grad()
    def update_keys(self) -> None:
        """Move the key branch's weights by (1 - momentum) of their gap to the query branch's."""
        for query, key in ((self.encoder, self.key_encoder), (self.head, self.key_head)):
            for value, follower in zip(query.parameters(), key.parameters(), strict=True):
                follower.lerp_(value, 1 - self.momentum)
