import pytest
import torch

from unmask.config import TextTower
from unmask.errors import ConfigError
from unmask.labels.graph import FFPP
from unmask.labels.prompts import prompts
from unmask.models.text import SentenceEncoder, create_sentence_encoder


@pytest.fixture
def tiny() -> SentenceEncoder:
    torch.manual_seed(0)
    return create_sentence_encoder(TextTower("tiny", 128, 2, "none"), prompts(FFPP))


def test_sentences_have_distinct_embeddings(tiny: SentenceEncoder) -> None:
    embeddings = tiny()
    assert embeddings.shape == (10, 128)
    cosine = torch.nn.functional.cosine_similarity(embeddings[:, None], embeddings[None], dim=2)
    assert cosine.fill_diagonal_(0).max().item() < 0.999


def test_only_the_words_that_occur_are_embedded(tiny: SentenceEncoder) -> None:
    words = tiny.tower.token_embedding.num_embeddings  # type: ignore[union-attr]
    assert len(torch.unique(tiny.tokens)) == words
    assert words < 60


def test_the_end_of_text_keeps_the_highest_number(tiny: SentenceEncoder) -> None:
    last = tiny.tokens.argmax(dim=1)
    assert (tiny.tokens.max(dim=1).values == tiny.tokens.max()).all()
    assert all(not row[end + 1 :].any() for row, end in zip(tiny.tokens, last, strict=True))


def test_padding_does_not_change_a_sentence() -> None:
    settings = TextTower("tiny", 64, 1, "none")
    torch.manual_seed(0)
    alone = create_sentence_encoder(settings, ["a nose", "a longer sentence about a nose and a mouth"])
    longer = alone.tokens.clone()
    with torch.no_grad():
        longer[0, int(longer[0].argmax()) + 1 :] = 1
        torch.testing.assert_close(alone.tower(longer), alone())


def test_all_its_weights_learn(tiny: SentenceEncoder) -> None:
    tiny().square().sum().backward()
    assert all(weight.grad is not None for weight in tiny.parameters())


@pytest.mark.parametrize(("name", "width"), [("bert", 128), ("tiny", 100)])
def test_wrong_settings_are_named(name: str, width: int) -> None:
    with pytest.raises(ConfigError, match=r"teach\.text"):
        create_sentence_encoder(TextTower(name, width, 2, "none"), ["a face"])
