"""Heads that turn an embedding into one score a label: joint image-text embedding, or linear."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unmask.models.text import SentenceEncoder

DIVISOR = 10.0  # the fixed temperature on raw dot products


class JointHead(nn.Module):
    """f_i = v . t_i / 10 + offset, without normalising either side (SJEDD, methods: 1.7).

    v is the image embedding, projected to the text's width where an own projection is wanted; t_i the embedding
    of label i's sentence. The constant offset gives an untrained model P(fake) = 0.5.
    """

    offset: Tensor

    def __init__(self, embed_dim: int, sentences: SentenceEncoder, *, offset: float, project: bool = True) -> None:
        super().__init__()
        if not project and embed_dim != sentences.width:
            raise ValueError(f"embeddings of {embed_dim} and {sentences.width} need a projection")
        self.sentences = sentences
        self.projection = nn.Linear(embed_dim, sentences.width, bias=False) if project else nn.Identity()
        if isinstance(self.projection, nn.Linear):
            # Small, so that the ten similar sentences of an untrained text tower do not decide P(fake).
            nn.init.normal_(self.projection.weight, std=0.1 / sentences.width**0.5)
        self.register_buffer("offset", torch.tensor(offset), persistent=False)

    def as_linear(self) -> tuple[Tensor, Tensor]:
        """Weight (n, D) and bias (n,) of the linear map that this head is for its present sentences."""
        texts: Tensor = self.sentences().float()
        weight = texts @ self.projection.weight if isinstance(self.projection, nn.Linear) else texts
        return weight / DIVISOR, self.offset.expand(len(texts))

    def forward(self, embedding: Tensor) -> Tensor:
        """Scores of embeddings: (B, D) -> (B, n)."""
        return _scores(self, embedding)


class LinearHead(nn.Module):
    """f = W v + b + offset, one row a label."""

    offset: Tensor

    def __init__(self, embed_dim: int, n_labels: int, *, offset: float) -> None:
        super().__init__()
        self.linear = nn.Linear(embed_dim, n_labels)
        nn.init.normal_(self.linear.weight, std=0.02)
        nn.init.zeros_(self.linear.bias)
        self.register_buffer("offset", torch.tensor(offset), persistent=False)

    def as_linear(self) -> tuple[Tensor, Tensor]:
        """Weight (n, D) and bias (n,)."""
        return self.linear.weight, self.linear.bias + self.offset

    def forward(self, embedding: Tensor) -> Tensor:
        """Scores of embeddings: (B, D) -> (B, n)."""
        return _scores(self, embedding)


def _scores(head: JointHead | LinearHead, embedding: Tensor) -> Tensor:
    # Scores in bf16 would have two to three digits, and P(fake) moves by a quarter for each 1 of them.
    with torch.autocast(embedding.device.type, enabled=False):
        weight, bias = head.as_linear()
        return F.linear(embedding.float(), weight, bias)
