import numpy as np
import pytest

from benchmarks.drift import Pool, measure, newcomers, split
from tests.monitoring.conftest import rows
from unmask.config import Drift

SETTINGS = Drift(max_rows=400, min_rows=50, level=0.02, min_moved=0.03, permutations=59, keep_reports=2)


@pytest.fixture(scope="module")
def pool() -> Pool:
    drawn = rows(360, to_a_group=2)
    known = np.arange(360) < 300
    drawn.embeddings[~known] += 4.0
    return Pool(drawn, known, np.where(known, "camera", np.where(np.arange(360) % 4 < 2, "warp", "paste")))


def test_people_are_on_one_side_and_newcomers_on_none(pool):
    reference, traffic = split(pool, np.random.default_rng(0))
    assert not set(pool.rows.groups[reference]) & set(pool.rows.groups[traffic])
    assert sorted([*reference, *traffic]) == list(range(300))


def test_newcomers_are_counted(pool):
    assert newcomers(pool) == "paste (30), warp (30)"


def test_many_newcomers_raise_alarms_and_none_do_not(pool):
    assert measure(pool, 100, 0.3, 6, SETTINGS).alarms == 6
    usual = measure(pool, 100, 0.0, 6, SETTINGS)
    assert usual.alarms <= 1
    assert 60 < usual.distinct < 100


def test_windows_that_are_too_small_are_not_counted(pool):
    cell = measure(pool, 20, 0.0, 2, SETTINGS)
    assert (cell.decided, str(cell)) == (0, "undecided")
