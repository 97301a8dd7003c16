import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.errors import ConfigError
from unmask.labels.graph import BINARY, FFPP, FFSC, LabelGraph, graph_by_name


@pytest.mark.parametrize(("graph", "count"), [(FFPP, 251), (FFSC, 1544), (BINARY, 2)])
def test_number_of_legal_states(graph: LabelGraph, count: int) -> None:
    """U-G1."""
    assert graph.legal_states().shape == (count, len(graph))


def test_forbidding_the_bare_root_drops_one_state() -> None:
    """U-G1."""
    assert len(graph_by_name("ffpp", allow_bare_root=False).legal_states()) == 250
    assert len(graph_by_name("binary", allow_bare_root=False).legal_states()) == 2


def test_order_of_labels_is_the_papers() -> None:
    assert FFPP.names == (
        *("fake", "expression", "identity", "physical inconsistency"),
        *("eye", "eyebrow", "lip", "mouth", "nose", "skin"),
    )
    assert FFSC.names[:6] == ("fake", "age", "expression", "gender", "identity", "pose")


@pytest.mark.parametrize("on", [(0, 1), (1,), (0, 4), (1, 6), (4,), (0, 3, 5)])
def test_states_without_support_are_illegal(on: tuple[int, ...]) -> None:
    """U-G2."""
    state = np.zeros((1, 10), dtype=np.int8)
    state[0, list(on)] = 1
    assert not FFPP.is_legal(state)[0]


def test_pose_reaches_every_region() -> None:
    """U-G11."""
    pose = FFSC.names.index("pose")
    assert {FFSC.names[region] for region in FFSC.children[pose]} == {"eye", "eyebrow", "lip", "mouth", "nose", "skin"}


def test_parents_are_the_inverse_of_children() -> None:
    for above, below in enumerate(FFSC.children):
        assert all(above in FFSC.parents(label) for label in below)


def test_only_the_first_state_is_real() -> None:
    states = FFSC.legal_states()
    assert not states[0].any()
    assert states[1:, 0].all()


def test_states_are_cached_and_read_only() -> None:
    states = FFPP.legal_states()
    assert FFPP.legal_states() is states
    with pytest.raises(ValueError, match="read-only"):
        states[0, 0] = 1


@given(st.lists(st.integers(0, 1), min_size=10, max_size=10))
def test_legality_follows_the_three_rules(bits: list[int]) -> None:
    root, globals_, locals_ = FFPP.levels()
    on = [bool(bit) for bit in bits]
    labels = range(len(FFPP))
    wanted = (
        all(on[0] for label in labels[globals_] if on[label])
        and all(any(on[below] for below in FFPP.children[label]) for label in labels[globals_] if on[label])
        and all(any(on[above] for above in FFPP.parents(label)) for label in labels[locals_] if on[label])
    )
    assert root == slice(0, 1)
    assert bool(FFPP.is_legal(np.array([bits], dtype=np.int8))[0]) == wanted


def test_too_many_labels_are_refused() -> None:
    names = tuple(f"label {number}" for number in range(17))
    wide = LabelGraph("wide", names, 16, (tuple(range(1, 17)), *((),) * 16))
    with pytest.raises(ConfigError, match="17 labels"):
        wide.legal_states()


def test_an_unknown_graph_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"labels\.graph.*ffpp, ffsc, binary"):
        graph_by_name("ffhq")
