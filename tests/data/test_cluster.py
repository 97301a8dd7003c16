"""The pool of Ray tasks, on a real cluster of two nodes with one worker each, all on this machine."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import unmask.data.assemble
from tests.conftest import module_of_extra
from tests.data.test_parallel import double, double_after_death
from unmask.config import Assemble
from unmask.data.assemble import assemble
from unmask.data.audit.features import feature_tables
from unmask.data.ingest import ingest
from unmask.data.manifest import read_manifest
from unmask.data.parallel import Workers, ordered_map, process_pool
from unmask.errors import ConfigError, DataError

ray = module_of_extra("ray", "ray")
pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.timeout(300)]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Workers]:
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    nodes.add_node(num_cpus=1)
    yield Workers(2, "ray", nodes.address)
    nodes.shutdown()


def process_id(_: int) -> int:
    return os.getpid()


def folder(_: int) -> Path:
    return Path.cwd()


def slow_node(_: int) -> str:
    time.sleep(0.2)
    return str(ray.get_runtime_context().get_node_id())


def refuse(number: int) -> int:
    raise DataError(f"picture {number} is damaged")


def always_die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_tasks_run_in_order_on_both_nodes_in_this_folder(cluster: Workers) -> None:
    with process_pool(cluster, 40) as pool:
        assert list(ordered_map(pool, double, range(40), ahead=8)) == list(range(0, 80, 2))
        assert set(ordered_map(pool, folder, range(4), ahead=4)) == {Path.cwd()}
        assert os.getpid() not in set(ordered_map(pool, process_id, range(4), ahead=4))
        # A node whose first process still starts gets nothing to do at first.
        nodes = set[str]()
        for _ in range(20):
            nodes |= set(ordered_map(pool, slow_node, range(8), ahead=8))
            if len(nodes) == 2:
                break
        assert len(nodes) == 2


def test_a_killed_worker_loses_nothing(cluster: Workers, tmp_path: Path) -> None:
    work = partial(double_after_death, tmp_path / "tried")
    with process_pool(cluster, 20) as pool:
        assert list(ordered_map(pool, work, range(20), ahead=8)) == list(range(0, 40, 2))
    assert (tmp_path / "tried").exists()


def test_errors_are_the_ones_of_a_local_pool(cluster: Workers) -> None:
    with process_pool(cluster, 2) as pool:
        with pytest.raises(DataError, match=r"^picture 1 is damaged$"):
            list(ordered_map(pool, refuse, [1, 2], ahead=2))
        with pytest.raises(DataError, match="a Ray worker died"):
            list(ordered_map(pool, always_die, [1], ahead=1))


def test_assemble_and_features_are_the_same_bytes(
    cluster: Workers,
    sources: Path,
    settings: Assemble,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unmask.data.assemble, "_CHUNK", 4)
    ingest(sources, tmp_path / "data", today="2026-11-21", batch="one")
    tables = []
    for name, workers in (("alone", Workers()), ("ray", cluster)):
        assemble(tmp_path / "data", tmp_path / name, settings=settings, seed=7, workers=workers)
        rows = read_manifest(tmp_path / name / "manifest.parquet")
        tables.append(pd.concat(feature_tables(rows, tmp_path / name, workers=workers), axis=1))
    alone, spread = (sorted((tmp_path / name).iterdir()) for name in ("alone", "ray"))
    assert [file.name for file in alone] == [file.name for file in spread]
    assert [file.read_bytes() for file in alone] == [file.read_bytes() for file in spread]
    assert np.array_equal(tables[0], tables[1])


def test_without_an_address_a_ray_starts_here() -> None:
    with process_pool(Workers(2, "ray"), 8) as pool:
        assert list(ordered_map(pool, double, range(8), ahead=8)) == list(range(0, 16, 2))
    assert not ray.is_initialized()


@pytest.mark.parametrize("wrong", ["nowhere", "host:port", "host:99999999999", "CLOSED"])
def test_an_address_where_no_cluster_answers_is_named(wrong: str) -> None:
    address = closed_port() if wrong == "CLOSED" else wrong
    with pytest.raises(ConfigError, match=r"scale\.address"), process_pool(Workers(2, "ray", address), 8):
        pass


def closed_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"
