"""Which rows train, which choose and which judge: decided by group, once, in the order in which batches arrived."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from unmask.data.groups import Links, components

EXCLUDED = "excluded"


@dataclass(frozen=True)
class Shares:
    """Shares of groups for val and test, and of groups that keep their label."""

    val_fraction: float
    test_fraction: float
    labelled_fraction: float


@dataclass(frozen=True)
class SplitRules:
    """Seed, shares of groups, generators nobody may learn from, and sources whose own groups have other shares."""

    seed: int
    val_fraction: float
    test_fraction: float
    unseen_generators: tuple[str, ...]
    labelled_fraction: float
    by_source: Mapping[str, Shares] = field(default_factory=dict)

    def shares(self, source: str) -> Shares:
        """Those of groups that SOURCE alone founds; "" is none of the sources."""
        return self.by_source.get(source) or Shares(self.val_fraction, self.test_fraction, self.labelled_fraction)


def uniform(seed: int, purpose: str, name: str) -> float:
    """A number in [0, 1) that depends on nothing but the arguments: 53 bits of their SHA-256."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{name}".encode()).digest()
    return float(int.from_bytes(digest[:8], "big") >> 11) / float(1 << 53)


def hashed_split(group: str, rules: SplitRules, source: str = "") -> str:
    """The split that a group's name gives it, by the shares of the SOURCE that founds it alone."""
    place, shares = uniform(rules.seed, "split", group), rules.shares(source)
    if place < shares.val_fraction:
        return "val"
    return "test" if place < shares.val_fraction + shares.test_fraction else "train"


def assign_splits(rows: pd.DataFrame, links: Links, rules: SplitRules) -> pd.DataFrame:
    """Give each row its group, split, labelled (bool) and linking (bool); adding batches changes no earlier row.

    ROWS (columns arrival, raw_sha256, source, label, generator) are in order of arrival; LINKS are (m, 2) row numbers.
    Rows of one arrival that hang together join the earliest group they are linked to, or found one, named after
    its smallest raw_sha256. If they are linked to groups of different splits, they are `excluded` and `linking`.
    A group founded by unlabelled rows alone trains, one founded by fakes of unseen generators alone is tested.
    """
    groups = _grow(rows, links, rules)
    group = np.array([each.name for each in groups], dtype=object)
    split = np.array(
        [
            _row_split(each.split, label, unseen=label == "fake" and generator in rules.unseen_generators)
            for each, label, generator in zip(groups, rows["label"], rows["generator"], strict=True)
        ],
        dtype=object,
    )
    shown = {
        each: uniform(rules.seed, "labelled", each.name) < rules.shares(each.source).labelled_fraction
        for each in set(groups)
    }
    visible = np.array([shown[each] for each in groups], dtype=bool)
    judged = np.isin(split.astype(str), ("val", "test"))
    labelled = (rows["label"].to_numpy() != "unlabelled") & (judged | ((split == "train") & visible))
    linking = np.array([each.split == EXCLUDED for each in groups], dtype=bool)
    return pd.DataFrame(
        {"group": group, "split": split, "labelled": labelled.astype(bool), "linking": linking}, index=rows.index
    )


@dataclass(frozen=True)
class _Group:
    """`source` is the only one of the rows that founded it, "" where there are several."""

    name: str
    split: str
    order: int
    source: str


def _grow(rows: pd.DataFrame, links: Links, rules: SplitRules) -> list[_Group]:
    arrival = rows["arrival"].to_numpy()
    facts = list(zip(rows["raw_sha256"], rows["source"], rows["label"], rows["generator"], strict=True))
    late = np.maximum(arrival[links[:, 0]], arrival[links[:, 1]]) if len(links) else np.empty(0, dtype=np.int64)
    placed: dict[int, _Group] = {}
    order = 0
    for now in np.unique(arrival):
        is_new = arrival == now
        for members in _hang_together(links[late == now], is_new):
            touched = {placed[row] for row in members.earlier}
            group = _place([facts[row] for row in members.rows], touched, rules, order)
            placed.update(dict.fromkeys(members.rows, group))
            order += 1
    return [placed[row] for row in range(len(rows))]


@dataclass
class _Members:
    rows: list[int]
    earlier: set[int]


def _hang_together(links: Links, is_new: npt.NDArray[np.bool_]) -> list[_Members]:
    new = np.flatnonzero(is_new)
    number = np.full(len(is_new), -1, dtype=np.int64)
    number[new] = np.arange(len(new))
    within = is_new[links].all(axis=1)
    component = components(len(new), number[links[within]])
    members: defaultdict[int, _Members] = defaultdict(lambda: _Members([], set()))
    for row, which in zip(new.tolist(), component.tolist(), strict=True):
        members[which].rows.append(row)
    for left, right in links[~within].tolist():
        fresh, earlier = (left, right) if is_new[left] else (right, left)
        members[int(component[number[fresh]])].earlier.add(earlier)
    return list(members.values())


def _place(facts: list[tuple[str, str, str, str]], touched: set[_Group], rules: SplitRules, order: int) -> _Group:
    name = min(raw_sha256 for raw_sha256, _, _, _ in facts)[:16]
    sources = {source for _, source, _, _ in facts}
    source = sources.pop() if len(sources) == 1 else ""
    if touched:
        splits = {group.split for group in touched}
        if len(splits) == 1:
            return min(touched, key=lambda group: group.order)
        return _Group(name, EXCLUDED, order, source)
    labels = {label for _, _, label, _ in facts}
    if labels == {"unlabelled"}:
        return _Group(name, "train", order, source)
    if labels == {"fake"} and all(generator in rules.unseen_generators for _, _, _, generator in facts):
        return _Group(name, "test", order, source)
    return _Group(name, hashed_split(name, rules, source), order, source)


def _row_split(group_split: str, label: str, *, unseen: bool) -> str:
    if label == "unlabelled":
        return group_split if group_split == "train" else EXCLUDED
    if unseen:
        return group_split if group_split == "test" else EXCLUDED
    return group_split
