"""The label hierarchies as data, and their legal joint states (SJEDD, arXiv 2408.16305; SO-DFD, arXiv 2405.08487)."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unmask.errors import ConfigError

MAX_LABELS = 16  # the states are enumerated, 2 to the power of this at most

LabelArray = NDArray[np.int8]


@dataclass(frozen=True)
class LabelGraph:
    """A root "fake", global face attributes below it, local face regions below those.

    `names[0]` is the root, the next `n_global` names are globals, the rest locals; `children[i]` are the
    labels below label i. `allow_bare_root` makes "fake, nothing else" a legal state, as in the paper.
    """

    key: str
    names: tuple[str, ...]
    n_global: int
    children: tuple[tuple[int, ...], ...]
    allow_bare_root: bool = True

    def __len__(self) -> int:
        return len(self.names)

    def levels(self) -> tuple[slice, slice, slice]:
        """Columns of the root, of the globals and of the locals."""
        first_local = 1 + self.n_global
        return slice(0, 1), slice(1, first_local), slice(first_local, len(self.names))

    def parents(self, label: int) -> tuple[int, ...]:
        """The labels directly above LABEL."""
        return tuple(above for above, below in enumerate(self.children) if label in below)

    def is_legal(self, states: LabelArray) -> NDArray[np.bool_]:
        """Say which rows of a 0/1 array (S, n) are legal; returns (S,).

        A global needs the root and at least one of its locals; a local needs at least one of its globals.
        """
        on = np.asarray(states, dtype=bool)
        root, globals_, locals_ = self.levels()
        legal: NDArray[np.bool_] = ~(on[:, globals_].any(axis=1) & ~on[:, 0])
        for label in range(len(self))[globals_]:
            legal &= ~on[:, label] | on[:, list(self.children[label])].any(axis=1)
        for label in range(len(self))[locals_]:
            legal &= ~on[:, label] | on[:, list(self.parents(label))].any(axis=1)
        if not self.allow_bare_root and self.n_global:
            legal &= ~on[:, 0] | on[:, root.stop :].any(axis=1)
        return legal

    def legal_states(self) -> LabelArray:
        """All legal states as a read-only 0/1 array (S, n); the first is all zero, that is real.

        Raises:
            ConfigError: there are more than 16 labels, too many to enumerate.
        """
        return self._legal_states

    @cached_property
    def _legal_states(self) -> LabelArray:
        n = len(self)
        if n > MAX_LABELS:
            raise ConfigError(f"labels.graph: {self.key} has {n} labels; at most {MAX_LABELS} can be enumerated")
        # The root is the highest bit, so that every fake state follows the one real state.
        codes = np.arange(2**n, dtype=np.int64)[:, None]
        every = ((codes >> np.arange(n - 1, -1, -1)) & 1).astype(np.int8)
        states = np.ascontiguousarray(every[self.is_legal(every)])
        states.setflags(write=False)
        return states


def _graph(key: str, parents: dict[str, tuple[str, ...]]) -> LabelGraph:
    """Lay out a graph from its globals and the locals below each."""
    names = ("fake", *parents, *(REGIONS if parents else ()))
    below = tuple(tuple(names.index(region) for region in regions) for regions in parents.values())
    root = tuple(range(1, 1 + len(parents)))
    return LabelGraph(key, names, len(parents), (root, *below, *((),) * (len(names) - 1 - len(parents))))


REGIONS = ("eye", "eyebrow", "lip", "mouth", "nose", "skin")
_PLURAL = {
    "eye": "eyes",
    "eyebrow": "eyebrows",
    "lip": "lips",
}  # a face has several; graphs and files keep the singular

FFPP = _graph(
    "ffpp",
    {
        "expression": ("lip", "mouth"),
        "identity": REGIONS,
        "physical inconsistency": ("eye", "lip", "mouth", "nose"),
    },
)
FFSC = _graph(
    "ffsc",
    {
        "age": ("eye", "skin"),
        "expression": ("eye", "lip", "mouth", "nose", "skin"),
        "gender": ("eye", "eyebrow", "lip", "mouth", "skin"),
        "identity": REGIONS,
        "pose": REGIONS,
    },
)
BINARY = _graph("binary", {})
GRAPHS = (FFPP, FFSC, BINARY)


def display_name(label: str) -> str:
    """A label as a sentence names it: `lips` for lip."""
    return _PLURAL.get(label, label)


def graph_by_name(name: str, allow_bare_root: bool = True) -> LabelGraph:
    """Look up a graph.

    Raises:
        ConfigError: there is none of that name.
    """
    for graph in GRAPHS:
        if graph.key == name:
            return replace(graph, allow_bare_root=allow_bare_root)
    raise ConfigError(f"params.yaml: labels.graph: {name!r} is none of {', '.join(graph.key for graph in GRAPHS)}")
