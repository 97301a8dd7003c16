"""Momentum contrast with a queue (MoCo v2, arXiv 2003.04297), the self-supervised stage of SCL-KD (methods: 4.2)."""

import copy
from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MoCo(nn.Module):
    """A query branch that learns, a key branch that follows it slowly, and a queue of earlier keys as negatives.

    `make_encoder` gives a module with `embed_dim` and (B, 3, H, W) -> (B, embed_dim). The key branch stays in
    eval mode and averages the query's BatchNorm statistics along with its weights (EMAN, arXiv 2101.08482):
    batch statistics shared by both views would give the positive away. Queue, key branch and pointer are
    buffers, so a state dict resumes exactly.
    """

    queue: Tensor
    queue_group: Tensor
    pointer: Tensor
    updates: Tensor

    def __init__(
        self, make_encoder: Callable[[], nn.Module], *, dim: int, queue: int, momentum: float, temperature: float
    ) -> None:
        super().__init__()
        self.momentum = momentum
        self.temperature = temperature
        self.encoder = make_encoder()
        width = int(self.encoder.embed_dim)  # type: ignore[arg-type]
        self.head = nn.Sequential(nn.Linear(width, width), nn.ReLU(inplace=True), nn.Linear(width, dim))
        self.key_encoder = copy.deepcopy(self.encoder).requires_grad_(False).eval()
        self.key_head = copy.deepcopy(self.head).requires_grad_(False).eval()
        self.register_buffer("queue", F.normalize(torch.randn(dim, queue), dim=0))
        self.register_buffer("queue_group", torch.full((queue,), -1, dtype=torch.int64))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.int64))
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def train(self, mode: bool = True) -> Self:
        """Switch the query branch only."""
        super().train(mode)
        self.key_encoder.eval()
        self.key_head.eval()
        return self

    def forward(self, view_q: Tensor, view_k: Tensor, group: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits (B, 1 + K), the positive first, and targets (B,), all 0.

        In train mode the key branch first moves towards the query branch, and the keys join the queue at the end.
        Queue entries of a picture's own GROUP (B,) int64 are no negatives; a group below 0 is unknown.
        """
        if self.training:
            self.update_keys()
        query = F.normalize(self.head(self.encoder(view_q)).float(), dim=1)
        with torch.no_grad():
            keys = F.normalize(self.key_head(self.key_encoder(view_k)).float(), dim=1)
        positive = (query * keys).sum(dim=1, keepdim=True)
        # A copy, because enqueueing below writes into what backward still needs.
        negative = query @ self.queue.clone()
        if group is not None:
            same = (group[:, None] == self.queue_group) & (group[:, None] >= 0)
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
        """Move the key branch by (1 - momentum) of its gap to the query branch; the momentum grows to its final value.

        At full momentum the first hundred keys would still be those of the untrained network.
        """
        done = int(self.updates)
        rate = 1 - min(self.momentum, (1 + done) / (10 + done))
        self.updates.add_(1)
        for query, key in ((self.encoder, self.key_encoder), (self.head, self.key_head)):
            follow = key.state_dict(keep_vars=True)
            for name, value in query.state_dict(keep_vars=True).items():
                if value.is_floating_point():
                    follow[name].lerp_(value, rate)
                else:
                    follow[name].copy_(value)
