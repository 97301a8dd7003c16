from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluation.tiers.conftest import Collection
from unmask.evaluation.tiers.originals import choose, jobs_of

ROWS = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=40)


def frame(rows: list[tuple[int, bool]]) -> pd.DataFrame:
    return pd.DataFrame(
        {"image_id": f"{n:04x}", "group": f"g{group}", "label": "fake" if fake else "real"}
        for n, (group, fake) in enumerate(rows)
    )


@given(ROWS, st.integers(1, 20))
def test_as_many_groups_as_can_be_are_among_the_rows_of_each_class(rows: list[tuple[int, bool]], count: int) -> None:
    test = frame(rows)
    chosen = choose(test, count)
    for label, all_of in test.groupby("label"):
        taken = chosen[chosen["label"] == label]
        assert len(taken) == min(count, len(all_of))
        assert taken["group"].nunique() == min(count, all_of["group"].nunique())


@given(ROWS, st.integers(1, 20), st.integers(0, 99))
def test_the_choice_does_not_depend_on_the_order_of_rows(rows: list[tuple[int, bool]], count: int, seed: int) -> None:
    test = frame(rows)
    shuffled = test.iloc[np.random.default_rng(seed).permutation(len(test))].reset_index(drop=True)
    assert choose(test, count)["image_id"].tolist() == choose(shuffled, count)["image_id"].tolist()


def test_a_new_group_takes_one_place_and_leaves_the_rest() -> None:
    test = frame([(group, False) for group in range(40)])
    before = set(choose(test.iloc[:-1], 20)["image_id"])
    assert len(before - set(choose(test, 20)["image_id"])) <= 1


def test_rows_of_one_file_are_one_job(street: Collection) -> None:
    jobs, missing = jobs_of(street.manifest, street.data)
    assert not missing
    assert sorted(len(job.parts) for job in jobs) == [1, 2, 3]
    assert {part.image_id for job in jobs for part in job.parts} == set(street.manifest["image_id"])


def test_an_original_that_is_gone_has_its_reason(street: Collection, tmp_path: Path) -> None:
    jobs, missing = jobs_of(street.manifest, tmp_path)
    assert not jobs
    assert set(missing) == set(street.manifest["image_id"])
    assert all("index.parquet: missing" in reason for reason in missing.values())
    other = street.manifest.assign(raw_sha256="0" * 64)
    jobs, missing = jobs_of(other, street.data)
    assert not jobs
    assert all("holds no original of this crop" in reason for reason in missing.values())
