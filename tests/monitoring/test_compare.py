from dataclasses import replace

import numpy as np
import pandas as pd

from unmask.monitoring.compare import DOMAIN, MMD, Sides, compare


def decide(reference, window, settings, seed=0):
    return compare(Sides.of(reference, window, settings, seed=seed), settings, seed=seed)


def test_a_shift_of_the_embeddings_and_a_column_is_named(make_rows, settings):
    found = decide(make_rows(240, to_a_group=3), make_rows(120, seed=1, shift=1.5, prefix="w"), settings)
    assert {each.name for each in found.drifted} == {DOMAIN, MMD, "sharpness"}
    assert found.p_value <= settings.level
    assert found.domain.low > 0.5
    assert all(each.moved > 0.1 for each in found.drifted)
    strengths = [each.strength for each in found.findings]
    assert strengths == sorted(strengths, reverse=True)


def test_false_alarms_are_as_rare_as_the_level_says(make_rows, settings):
    """Windows of single rows against a grouped reference, where rows of a group are alike, at a level of 0.2."""
    loose = replace(settings, level=0.2, permutations=59, min_moved=0.0)
    runs = 30
    alarms = sum(
        bool(
            decide(
                make_rows(120, seed=2 * run, to_a_group=3), _alike(make_rows, 60, seed=2 * run + 1), loose, seed=run
            ).drifted
        )
        for run in range(runs)
    )
    assert alarms / runs < 0.2 + 3 * np.sqrt(0.2 * 0.8 / runs)


def _alike(make_rows, count, seed):
    """One row of each of COUNT groups of three."""
    return make_rows(3 * count, seed=seed, to_a_group=3, prefix="w").take(np.arange(0, 3 * count, 3))


def test_shuffling_rows_instead_of_groups_would_raise_false_alarms(make_rows, settings):
    """The reason for groups: both sides of few people, each with many pictures that are alike."""
    loose = replace(settings, level=0.1, permutations=59, min_moved=0.0)
    alarms = {"groups": 0, "rows": 0}
    for run in range(8):
        sides = [make_rows(200, seed=2 * run + side, to_a_group=8, prefix="rw"[side]) for side in (0, 1)]
        alarms["groups"] += bool(decide(*sides, loose, seed=run).drifted)
        alone = [replace(side, groups=side.ids) for side in sides]
        alarms["rows"] += bool(decide(*alone, loose, seed=run).drifted)
    assert alarms["groups"] <= 3
    assert alarms["rows"] >= 7


def test_what_is_sure_but_a_trifle_is_no_drift(make_rows, settings):
    reference, window = make_rows(240), make_rows(120, seed=1, shift=1.5, prefix="w")
    found = decide(reference, window, replace(settings, min_moved=1.0))
    assert found.p_value <= settings.level
    assert not found.drifted


def test_the_most_novel_rows_are_those_that_moved(make_rows, settings):
    usual, new = make_rows(100, seed=1, prefix="w"), make_rows(20, seed=2, shift=2.5, prefix="new")
    window = type(usual)(
        np.concatenate([usual.ids, new.ids]),
        pd.concat([usual.columns, new.columns], ignore_index=True),
        np.concatenate([usual.embeddings, new.embeddings]),
        np.concatenate([usual.groups, new.groups]),
    )
    novel = decide(make_rows(240, to_a_group=3), window, settings).novel
    assert sum(each.id.startswith("new") for each in novel[:15]) >= 14
    assert novel[0].novelty > 0.95


def test_a_column_that_one_side_lacks_is_said(make_rows, settings):
    reference, window = make_rows(120), make_rows(80, seed=1, prefix="w")
    unmeasured = replace(window, columns=window.columns.assign(sharpness=np.nan).drop(columns="P(fake)"))
    found = decide(reference, unmeasured, settings)
    assert found.not_compared == ["sharpness", "P(fake)"]
    assert "sharpness" not in {each.name for each in found.findings}


def test_a_window_is_cut_to_the_size_of_the_reference(make_rows, settings):
    sides = Sides.of(make_rows(120), make_rows(300, seed=1, prefix="w"), settings, seed=0)
    assert len(sides.window) == 120


def test_too_few_distinct_pictures_decide_nothing(make_rows, settings):
    repeated = make_rows(30).take(np.arange(300) % 30)
    why = Sides.of(make_rows(120), repeated, settings, seed=0)
    assert "the window has 30 distinct pictures" in why
    assert "50 (drift.min_rows)" in why


def test_pictures_of_a_few_requests_decide_nothing(make_rows, settings):
    assert "in 4 groups" in Sides.of(make_rows(120), make_rows(80, to_a_group=20), settings, seed=0)


def test_the_same_rows_give_the_same_decision(make_rows, settings):
    sides = (make_rows(120), make_rows(80, seed=1, prefix="w"), settings)
    assert decide(*sides) == decide(*sides)
