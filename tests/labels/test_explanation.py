import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from unmask.labels.explanation import best_altered_state, explain
from unmask.labels.graph import BINARY, FFPP

NAMES = FFPP.names


def _vector(**values: float) -> np.ndarray:
    return np.array([values.get(name.replace(" ", "_"), 0.05) for name in NAMES])


def test_a_mouth_only_fake_names_mouth_and_lip_and_not_the_eye() -> None:
    marginals = _vector(fake=0.99, physical_inconsistency=0.88, lip=0.93, mouth=0.95)
    scores = np.where(marginals > 0.5, 3.0, -3.0)
    state = best_altered_state(scores, FFPP)
    sentence = explain(verdict="fake", state=state, marginals=marginals, graph=FFPP, p_fake=0.97)
    assert sentence == "altered: mouth and lip (0.93), physical inconsistency (0.88)"


@given(arrays.arrays(np.float64, len(NAMES), elements=st.floats(-20, 20)))
def test_the_best_altered_state_is_legal_says_fake_and_scores_highest(scores: np.ndarray) -> None:
    state = best_altered_state(scores, FFPP)
    altered = FFPP.legal_states()[1:]
    assert state[0] == 1
    assert FFPP.is_legal(state[None])[0]
    assert state @ scores >= (altered @ scores).max() - 1e-9


@given(arrays.arrays(np.float64, len(NAMES), elements=st.floats(0, 1)))
def test_a_sentence_never_contradicts_the_verdict(marginals: np.ndarray) -> None:
    state = best_altered_state(marginals - 0.5, FFPP)
    said = {
        verdict: explain(verdict=verdict, state=state, marginals=marginals, graph=FFPP, p_fake=0.5)
        for verdict in ("real", "fake", "uncertain")
    }
    assert said["real"].startswith("no alteration found")
    assert said["fake"].startswith("altered")
    assert said["uncertain"].startswith("undecided")


def test_a_label_less_likely_than_not_is_not_named() -> None:
    state = best_altered_state(np.ones(len(NAMES)), FFPP)
    sentence = explain(verdict="fake", state=state, marginals=_vector(fake=0.9, nose=0.49), graph=FFPP, p_fake=0.9)
    assert sentence == "altered, but no single attribute stands out"


def test_a_detector_without_attributes_still_gives_a_sentence() -> None:
    state = best_altered_state([2.0], BINARY)
    assert "no single attribute" in explain(verdict="fake", state=state, marginals=[0.9], graph=BINARY, p_fake=0.9)
