import pytest

from unmask.labels.graph import BINARY, FFPP, FFSC, LabelGraph
from unmask.labels.prompts import prompts


@pytest.mark.parametrize("graph", [FFPP, FFSC, BINARY], ids=lambda graph: graph.key)
def test_one_distinct_sentence_a_label_that_names_it(graph: LabelGraph) -> None:
    sentences = prompts(graph)
    assert len(set(sentences)) == len(graph)
    assert all(name in sentence for name, sentence in zip(graph.names, sentences, strict=True))
