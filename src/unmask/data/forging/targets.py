"""Label vectors: what the manipulation says of the whole face, what the mask says of its regions."""

from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from unmask.labels.graph import LabelArray, LabelGraph
from unmask.labels.table import targets


@dataclass(frozen=True)
class Regions:
    """Local labels that a mask shows as altered, or None without a mask, among those the crop shows at all."""

    altered: Set[str] | None
    visible: Set[str]


def row_targets(
    generator: str, regions: Regions | None, graph: LabelGraph, *, physical_inconsistency: bool
) -> tuple[LabelArray, LabelArray]:
    """Label vector of a row and which of its entries are known, both (n,) int8; the root always is.

    Where there is a mask the locals come from it and replace the manipulation's usual ones; of those that the crop
    does not show nothing is known. A global that no legal state joins with these locals becomes unknown.
    """
    usual_target, usual_known = targets(generator, graph, physical_inconsistency=physical_inconsistency)
    target, known = usual_target.copy(), usual_known.copy()
    if regions is None:
        return target, known
    for label in range(len(graph))[graph.levels()[2]]:
        name = graph.names[label]
        if name not in regions.visible:
            target[label] = known[label] = 0
        elif regions.altered is not None:
            target[label], known[label] = name in regions.altered, 1
    return _reconciled(target, known, graph)


def is_consistent(target: LabelArray, known: LabelArray, graph: LabelGraph) -> bool:
    """Whether some legal state agrees with TARGET (n,) wherever KNOWN (n,) is 1."""
    where = known.astype(bool)
    return bool((graph.legal_states()[:, where] == target[where]).all(axis=1).any())


def _reconciled(target: LabelArray, known: LabelArray, graph: LabelGraph) -> tuple[LabelArray, LabelArray]:
    _, globals_, locals_ = graph.levels()
    for above in range(len(graph))[globals_]:
        below = list(graph.children[above])
        if target[above] and known[below].all() and not target[below].any():
            target[above] = known[above] = 0
    for label in range(len(graph))[locals_]:
        above_it = np.array(graph.parents(label))
        if target[label] and known[above_it].all() and not target[above_it].any():
            known[above_it] = 0
    return target, known
