import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from unmask.labels.explanation import NAMED_FROM, best_altered_state, explain
from unmask.labels.graph import BINARY, FFPP, FFSC, GRAPHS, LabelGraph, display_name

NAMES = FFPP.names
NUMBER = re.compile(r"\d\.\d\d")
GROUP = re.compile(r"([a-z ,]+) \((\d\.\d\d)\)")


def _vector(**values: float) -> np.ndarray:
    return np.array([values.get(name.replace(" ", "_"), 0.05) for name in NAMES])


def _marginals(scores: np.ndarray, graph: LabelGraph) -> np.ndarray:
    """Marginals of scores (n,) over the legal states, by the definition."""
    states = np.asarray(graph.legal_states(), dtype=np.float64)
    energy = states @ scores
    weight = np.exp(energy - energy.max())
    return weight @ states / weight.sum()


def _named(sentence: str) -> dict[str, str]:
    """The labels that a sentence names, as it says them, each with the number of its group."""
    found = {}
    for words, value in GROUP.findall(sentence.rpartition(": ")[2]):
        found |= dict.fromkeys((word.strip() for word in re.split(",| and ", words) if word.strip()), value)
    return found


def _scores(graph: LabelGraph) -> st.SearchStrategy[np.ndarray]:
    return arrays.arrays(np.float64, len(graph), elements=st.floats(-20, 20))


def test_a_mouth_only_fake_names_mouth_and_lips_and_not_the_eyes() -> None:
    marginals = _vector(fake=0.99, physical_inconsistency=0.88, lip=0.93, mouth=0.95)
    scores = np.where(marginals > 0.5, 3.0, -3.0)
    state = best_altered_state(scores, FFPP)
    sentence = explain(verdict="fake", state=state, marginals=marginals, graph=FFPP, p_fake=0.97)
    assert sentence == "altered: mouth and lips (0.93), physical inconsistency (0.88)"


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.key)
@given(data=st.data())
def test_the_best_altered_state_is_legal_says_fake_and_scores_highest(graph: LabelGraph, data: st.DataObject) -> None:
    scores = data.draw(_scores(graph))
    state = best_altered_state(scores, graph)
    altered = graph.legal_states()[1:]
    assert state[0] == 1
    assert graph.is_legal(state[None])[0]
    assert state @ scores >= (altered @ scores).max() - 1e-9


@pytest.mark.parametrize("graph", [FFPP, FFSC], ids=lambda graph: graph.key)
@given(data=st.data(), p_fake=st.floats(0, 1))
def test_a_sentence_never_contradicts_verdict_state_or_marginals(
    graph: LabelGraph, data: st.DataObject, p_fake: float
) -> None:
    scores = data.draw(_scores(graph))
    # Any marginals at all, not only those that belong to the scores: the sentence must hold for both.
    any_values = arrays.arrays(np.float64, len(graph), elements=st.floats(0, 1))
    marginals = data.draw(st.just(_marginals(scores, graph)) | any_values)
    state = best_altered_state(scores, graph)
    verdict = data.draw(st.sampled_from(["real", "fake", "uncertain"]))
    said = explain(verdict=verdict, state=state, marginals=marginals, graph=graph, p_fake=p_fake)

    likely = {i for i in range(1, len(graph)) if state[i] and marginals[i] >= NAMED_FROM}
    spoken = {display_name(graph.names[i]): f"{marginals[i]:.2f}" for i in likely}
    named = _named(said)
    if verdict == "real":
        assert said == f"no alteration found (probability of fake {p_fake:.2f})"
        return
    assert set(named) == set(spoken)
    assert all(value <= spoken[name] for name, value in named.items())
    assert set(named.values()) <= set(spoken.values())
    if verdict == "fake":
        assert said.startswith("altered: " if likely else "altered, but no single attribute stands out")
        assert set(NUMBER.findall(said)) <= set(spoken.values())
    else:
        assert said.startswith(f"undecided (probability of fake {p_fake:.2f})")
        assert "altered" not in said


def test_a_label_less_likely_than_not_is_not_named() -> None:
    state = best_altered_state(np.ones(len(NAMES)), FFPP)
    sentence = explain(verdict="fake", state=state, marginals=_vector(fake=0.9, nose=0.49), graph=FFPP, p_fake=0.9)
    assert sentence == "altered, but no single attribute stands out"


def test_a_detector_without_attributes_still_gives_a_sentence() -> None:
    state = best_altered_state([2.0], BINARY)
    assert "no single attribute" in explain(verdict="fake", state=state, marginals=[0.9], graph=BINARY, p_fake=0.9)
