import dataclasses
import os

import pytest

from unmask.service_settings import load_serving
from unmask.serving.cores import count_threads, count_workers, usable_cores


@pytest.mark.parametrize(
    ("said", "cores"),
    [
        *(("max 100000", 8), ("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1), ("1600000 100000", 8)),
        *(("", 8), ("much 100000", 8), ("100000 0", 8)),
    ],
)
def test_a_containers_quota_bounds_the_cores(said, cores, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    quota = tmp_path / "cpu.max"
    quota.write_text(said)
    assert usable_cores(quota) == cores


def test_without_a_container_the_affinity_says_it(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5})
    assert usable_cores(tmp_path / "none") == 2


@pytest.mark.parametrize(
    ("workers", "threads", "cores", "expected"),
    [(1, 0, 8, (1, 8)), (0, 0, 8, (8, 1)), (2, 0, 8, (2, 4)), (3, 0, 8, (3, 2)), (4, 0, 2, (4, 1)), (2, 5, 8, (2, 5))],
)
def test_workers_share_the_cores(workers, threads, cores, expected, project):
    settings = dataclasses.replace(load_serving(project / "params.yaml", {}), workers=workers, threads=threads)
    assert (count_workers(settings, cores), count_threads(settings, cores)) == expected
