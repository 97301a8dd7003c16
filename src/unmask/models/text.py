"""Sentences to embeddings: a tiny tower trained from scratch, or an open_clip text tower by name."""

import open_clip
import torch
from open_clip.transformer import TextTransformer
from torch import Tensor, nn

from unmask.config import TextTower
from unmask.errors import ConfigError
from unmask.models.clip import create_clip, is_clip_name

TINY = "tiny"


class SentenceEncoder(nn.Module):
    """A text tower together with the tokens of its fixed sentences."""

    tokens: Tensor

    def __init__(self, tower: nn.Module, tokens: Tensor, width: int) -> None:
        super().__init__()
        self.tower = tower
        self.width = width
        self.register_buffer("tokens", tokens)

    def forward(self) -> Tensor:
        """Embeddings of the sentences, not normalised; (n, width)."""
        embeddings: Tensor = self.tower(self.tokens)
        return embeddings


def create_sentence_encoder(text: TextTower, sentences: list[str]) -> SentenceEncoder:
    """Build the text tower that a config section names, for SENTENCES.

    Raises:
        ConfigError: the name, width or weights name nothing that exists or fits.
    """
    if text.name == TINY:
        return _tiny(text, sentences)
    if not is_clip_name(text.name):
        raise ConfigError(f"params.yaml: teach.text.name: {text.name!r} is neither {TINY} nor open_clip:<model>")
    tower = create_clip(text.name, text.weights, key="teach.text").text
    if not isinstance(tower, TextTransformer):
        raise ConfigError(f"params.yaml: teach.text.name: {text.name} has no text tower of open_clip's own")
    tokens = open_clip.SimpleTokenizer(context_length=tower.context_length)(sentences)
    return SentenceEncoder(tower, tokens, int(tower.output_dim))


def _tiny(text: TextTower, sentences: list[str]) -> SentenceEncoder:
    """Only the words and positions that occur are embedded, which at width 128 leaves 6,000 weights of 6 million."""
    if text.width < 64 or text.width % 64 or text.weights != "none":
        raise ConfigError("params.yaml: teach.text: the tiny tower takes a multiple of 64 as width, and weights none")
    tokens = open_clip.SimpleTokenizer()(sentences)
    # The end of text has the highest number and padding the lowest; the tower finds the end by that.
    words, numbers = torch.unique(tokens, return_inverse=True)
    length = int((tokens != 0).sum(dim=1).max())
    tower = TextTransformer(
        context_length=length,
        vocab_size=len(words),
        width=text.width,
        heads=text.width // 64,
        layers=text.layers,
        output_dim=text.width,
        pool_type="argmax",
    )
    return SentenceEncoder(tower, numbers[:, :length].contiguous(), text.width)
