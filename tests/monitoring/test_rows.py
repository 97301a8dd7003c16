import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.monitoring.conftest import rows
from unmask.monitoring.rows import QUALITY, watched_columns
from unmask.serving.picture_quality import Quality

MEASURED = Quality(120.0, 0.5, 640, 480, 90, 0.2)


def test_a_picture_sent_again_counts_once(make_rows):
    drawn = make_rows(5)
    again = drawn.take(np.array([0, 3, 1, 3, 3, 2, 4]))
    assert again.distinct().ids.tolist() == ["r0-0", "r3-0", "r1-0", "r2-0", "r4-0"]


@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=30),
    count=st.integers(1, 150),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=50, deadline=None)
def test_a_cut_keeps_groups_whole_and_rows_in_order(sizes, count, seed):
    drawn = rows(sum(sizes))
    drawn.groups[:] = np.repeat([f"r{n}" for n in range(len(sizes))], sizes)
    kept = drawn.at_most(count, seed=seed)
    assert len(kept) <= max(count, 0) or len(drawn) <= count
    for group in set(kept.groups):
        assert (kept.groups == group).sum() == (drawn.groups == group).sum()
    places = [drawn.ids.tolist().index(each) for each in kept.ids]
    assert places == sorted(places)


def test_columns_are_quality_score_uncertainty_and_attributes():
    columns = watched_columns(
        [(0.4, "uncertain", {"fake": 0.4, "eye": 0.1}, MEASURED), (0.9, "fake", {"fake": 0.9}, None)]
    )
    assert columns.columns.tolist() == [*QUALITY, "p_fake", "uncertain", "P(fake)", "P(eye)"]
    assert columns["uncertain"].tolist() == [1.0, 0.0]
    assert columns.loc[0, "bytes_per_px"] == pytest.approx(0.2)
    assert columns.loc[1, list(QUALITY)].isna().all()
