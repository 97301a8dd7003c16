"""A verdict in words: the best legal state of the label graph, named with its marginals (NumPy only)."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from unmask.labels.graph import LabelGraph, display_name

NAMED_FROM = 0.5  # a label less likely than not is no finding
Verdict = Literal["real", "fake", "uncertain"]


def best_altered_state(scores: npt.ArrayLike, graph: LabelGraph) -> npt.NDArray[np.int8]:
    """The likeliest legal state that says `fake`, shape (n,), from label scores (n,): argmax of s.f over s_0 = 1.

    The sentence is about what was altered, so the all-zero state takes no part; the verdict decides between the two.
    """
    states = np.asarray(graph.legal_states())
    altered = states[states[:, 0] == 1]
    best = altered[int(np.argmax(altered @ np.asarray(scores, dtype=np.float64)))]
    return np.asarray(best, dtype=np.int8)


def explain(
    *, verdict: Verdict, state: npt.ArrayLike, marginals: npt.ArrayLike, graph: LabelGraph, p_fake: float
) -> str:
    """One sentence that never contradicts the verdict: `altered: mouth and lips (0.93), physical inconsistency (0.88)`.

    Labels of STATE (n,) that are more likely than not are named, regions before whole-face attributes; a number is
    the smallest marginal of its group, P_FAKE the calibrated probability. After SJEDD (arXiv 2408.16305).
    """
    if verdict == "real":
        return f"no alteration found (probability of fake {p_fake:.2f})"
    found = _findings(np.asarray(state), np.asarray(marginals, dtype=np.float64), graph)
    if verdict == "fake":
        return f"altered: {found}" if found else "altered, but no single attribute stands out"
    clue = f"; what speaks for an alteration: {found}" if found else ""
    return f"undecided (probability of fake {p_fake:.2f}){clue}"


def _findings(state: npt.NDArray[np.int8], marginals: npt.NDArray[np.float64], graph: LabelGraph) -> str:
    first_local = 1 + graph.n_global
    levels = (range(first_local, len(graph.names)), range(1, first_local))
    named = [[i for i in level if state[i] and marginals[i] >= NAMED_FROM] for level in levels]
    parts = [_group(sorted(level, key=lambda i: -marginals[i]), marginals, graph.names) for level in named if level]
    return ", ".join(parts)


def _group(labels: Sequence[int], marginals: npt.NDArray[np.float64], names: Sequence[str]) -> str:
    words = [display_name(names[i]) for i in labels]
    listed = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    return f"{listed} ({min(marginals[i] for i in labels):.2f})"
