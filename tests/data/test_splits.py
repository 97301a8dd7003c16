import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unmask.data.groups import same_value_links
from unmask.data.splits import Shares, SplitRules, assign_splits, hashed_split, uniform

RULES = SplitRules(seed=7, val_fraction=0.3, test_fraction=0.3, unseen_generators=("warp",), labelled_fraction=0.5)
NO_LINKS = np.empty((0, 2), dtype=np.int64)
KINDS = st.sampled_from([("real", "camera"), ("fake", "swap"), ("fake", "warp"), ("unlabelled", "")])


def table(rows: list[tuple[int, str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["arrival", "raw_sha256", "label", "generator"]).assign(source="desk")


def many(count: int, label: str = "real", generator: str = "camera") -> pd.DataFrame:
    return table([(0, f"{number:016x}{0:048x}", label, generator) for number in range(count)])


def name_in(split: str) -> str:
    names = (f"{number:016x}{0:048x}" for number in range(100))
    return next(name for name in names if hashed_split(name[:16], RULES) == split)


@st.composite
def growing(draw: st.DrawFn) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows in order of arrival and links between them, as if people and near-duplicates came back."""
    count = draw(st.integers(1, 30))
    arrival = sorted(draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)))
    shas = draw(st.lists(st.integers(0, 2**64 - 1), min_size=count, max_size=count, unique=True))
    kinds = draw(st.lists(KINDS, min_size=count, max_size=count))
    rows = [(when, f"{sha:064x}"[::-1], *kind) for when, sha, kind in zip(arrival, shas, kinds, strict=True)]
    ends = st.integers(0, count - 1)
    links = draw(st.lists(st.tuples(ends, ends).filter(lambda pair: pair[0] != pair[1]), max_size=count))
    return table(rows), np.array(links, dtype=np.int64).reshape(-1, 2)


@settings(max_examples=40)
@given(growing())
def test_adding_batches_changes_no_earlier_row(case: tuple[pd.DataFrame, np.ndarray]) -> None:
    rows, links = case
    everything = assign_splits(rows, links, RULES)
    for last in range(3):
        early = rows[rows["arrival"] <= last]
        if len(early):
            known = links[(links < len(early)).all(axis=1)]
            pd.testing.assert_frame_equal(assign_splits(early, known, RULES), everything.iloc[: len(early)])


@settings(max_examples=40)
@given(growing())
def test_no_group_is_in_two_splits(case: tuple[pd.DataFrame, np.ndarray]) -> None:
    """U-E5."""
    placed = assign_splits(*case, RULES)
    used = placed[placed["split"] != "excluded"]
    assert (used.groupby("group")["split"].nunique() <= 1).all()


@settings(max_examples=40)
@given(growing())
def test_no_link_crosses_splits(case: tuple[pd.DataFrame, np.ndarray]) -> None:
    """U-E5."""
    rows, links = case
    split = assign_splits(rows, links, RULES)["split"].to_numpy()
    ends = split[links]
    used = (ends != "excluded").all(axis=1)
    assert (ends[used, 0] == ends[used, 1]).all()


@settings(max_examples=40)
@given(growing())
def test_unseen_generators_are_tested_or_excluded(case: tuple[pd.DataFrame, np.ndarray]) -> None:
    rows, links = case
    unseen = assign_splits(rows, links, RULES)[rows["generator"] == "warp"]
    assert set(unseen["split"]) <= {"test", "excluded"}


@settings(max_examples=40)
@given(growing())
def test_unlabelled_rows_train_or_are_excluded_and_never_count_as_labelled(
    case: tuple[pd.DataFrame, np.ndarray],
) -> None:
    rows, links = case
    unlabelled = assign_splits(rows, links, RULES)[rows["label"] == "unlabelled"]
    assert set(unlabelled["split"]) <= {"train", "excluded"}
    assert not unlabelled["labelled"].any()


@settings(max_examples=40)
@given(growing())
def test_labels_are_shown_or_hidden_by_group(case: tuple[pd.DataFrame, np.ndarray]) -> None:
    rows, links = case
    placed = assign_splits(rows, links, RULES)
    training = placed[(placed["split"] == "train") & (rows["label"] != "unlabelled")]
    assert (training.groupby("group")["labelled"].nunique() <= 1).all()
    judged = placed[placed["split"].isin(["val", "test"])]
    assert judged["labelled"].all()


def test_shares_are_those_asked_for() -> None:
    shares = assign_splits(many(4000), NO_LINKS, RULES)["split"].value_counts(normalize=True)
    assert shares["val"] == pytest.approx(0.3, abs=0.03)
    assert shares["test"] == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.05, 0.1, 0.25, 1.0])
def test_labelled_fraction_of_training_groups_is_visible(fraction: float) -> None:
    placed = assign_splits(many(4000), NO_LINKS, replace(RULES, labelled_fraction=fraction))
    training = placed[placed["split"] == "train"]
    assert training["labelled"].mean() == pytest.approx(fraction, abs=0.03)


@settings(max_examples=40)
@given(growing())
def test_with_a_smaller_labelled_fraction_groups_only_lose_labels(case: tuple[pd.DataFrame, np.ndarray]) -> None:
    rows, links = case
    before = np.zeros(len(rows), dtype=bool)
    for fraction in (0.01, 0.05, 0.1, 0.25, 1.0):
        placed = assign_splits(rows, links, replace(RULES, labelled_fraction=fraction))
        labelled = placed["labelled"].to_numpy()
        training = placed[(placed["split"] == "train") & (rows["label"] != "unlabelled")]
        assert (training.groupby("group")["labelled"].nunique() <= 1).all()
        assert (labelled | ~before).all()
        before = labelled
    assert training["labelled"].all()


def test_a_row_that_links_two_splits_is_excluded_and_marked() -> None:
    train, test = name_in("train"), name_in("test")
    rows = table([(0, train, "real", "camera"), (0, test, "real", "camera"), (1, "f" * 64, "fake", "swap")])
    placed = assign_splits(rows, np.array([[0, 2], [1, 2]]), RULES)
    assert placed["split"].tolist() == ["train", "test", "excluded"]
    assert placed["linking"].tolist() == [False, False, True]


def test_what_hangs_on_an_excluded_row_is_excluded_later_too() -> None:
    train, test = name_in("train"), name_in("test")
    rows = table([(0, train, "real", "camera"), (0, test, "real", "camera"), (1, "f" * 64, "real", "camera")])
    later = pd.concat([rows, table([(2, "e" * 64, "fake", "swap")])], ignore_index=True)
    placed = assign_splits(later, np.array([[0, 2], [1, 2], [2, 3]]), RULES)
    assert placed["split"].iloc[3] == "excluded"


def test_a_group_of_unseen_fakes_alone_is_tested_wherever_its_hash_falls() -> None:
    assert set(assign_splits(many(50, "fake", "warp"), NO_LINKS, RULES)["split"]) == {"test"}


def test_a_group_of_unlabelled_rows_alone_trains_wherever_its_hash_falls() -> None:
    assert set(assign_splits(many(50, "unlabelled", ""), NO_LINKS, RULES)["split"]) == {"train"}


def test_an_unseen_fake_of_a_training_person_is_excluded() -> None:
    rows = table([(0, name_in("train"), "real", "camera"), (0, "f" * 64, "fake", "warp")])
    placed = assign_splits(rows, same_value_links(["p", "p"]), RULES)
    assert placed["split"].tolist() == ["train", "excluded"]
    assert not placed["linking"].any()


def test_uniform_is_the_first_53_bits_of_sha256() -> None:
    bits = int(hashlib.sha256(b"7/split/g").hexdigest()[:16], 16) >> 11
    assert uniform(7, "split", "g") == bits / 2**53


REPORTED = replace(RULES, by_source={"feedback": Shares(0.0, 0.25, 1.0)})


def test_groups_of_a_source_with_its_own_shares_have_those() -> None:
    placed = assign_splits(many(2000).assign(source="feedback"), NO_LINKS, REPORTED)
    shares = placed["split"].value_counts(normalize=True)
    assert set(shares.index) == {"train", "test"}
    assert 0.2 < shares["test"] < 0.3
    assert placed["labelled"].all()


def test_shares_of_another_source_change_nothing() -> None:
    pd.testing.assert_frame_equal(
        assign_splits(many(200), NO_LINKS, REPORTED), assign_splits(many(200), NO_LINKS, RULES)
    )


def test_a_row_that_joins_an_earlier_group_has_that_groups_split() -> None:
    name = name_in("val")
    rows = table([(0, name, "real", "camera"), (1, "f" * 64, "fake", "unknown")])
    rows.loc[1, "source"] = "feedback"
    placed = assign_splits(rows, np.array([[0, 1]]), REPORTED)
    assert placed["split"].tolist() == ["val", "val"]


def test_a_group_that_two_sources_found_has_the_shares_of_all() -> None:
    rows = many(400)
    rows.loc[rows.index % 2 == 1, "source"] = "feedback"
    pairs = np.arange(400).reshape(-1, 2)
    assert set(assign_splits(rows, pairs, REPORTED)["split"]) == {"train", "val", "test"}
