import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from unmask.config import Scale
from unmask.data.parallel import ATTEMPTS, Workers, ordered_map, process_pool
from unmask.errors import ConfigError, DataError


def double(number: int) -> int:
    return 2 * number


def interrupt(_: int) -> int:
    os.kill(os.getpid(), signal.SIGINT)
    return os.getpid()


def double_after_death(marker: Path, number: int) -> int:
    """The first attempt at 3 kills its worker; the marker says that it was made."""
    if number == 3 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def count_and_die(folder: Path, number: int) -> None:
    (folder / f"{number}-{os.getpid()}").touch()
    os._exit(1)


def test_without_a_pool_items_are_worked_on_one_by_one() -> None:
    assert list(ordered_map(None, double, range(5), ahead=2)) == [0, 2, 4, 6, 8]


def test_results_come_in_order_and_only_a_few_items_are_taken_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            taken.append(number)
            yield number

    with ThreadPoolExecutor(2) as pool:
        results = ordered_map(pool, double, items(), ahead=4)
        assert [next(results) for _ in range(10)] == list(range(0, 20, 2))
        assert len(taken) <= 14
        assert list(results) == list(range(20, 100, 2))


def test_an_error_ends_the_map() -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(ZeroDivisionError):
        list(ordered_map(pool, lambda number: 1 // number, [1, 0, 1], ahead=2))


@pytest.mark.parametrize(("workers", "jobs"), [(1, 9), (9, 1)])
def test_one_worker_or_one_job_needs_no_pool(workers: int, jobs: int) -> None:
    with process_pool(Workers(workers), jobs) as pool:
        assert pool is None


def test_workers_leave_ctrl_c_to_their_parent() -> None:
    with process_pool(Workers(2), 2) as pool:
        assert pool is not None
        assert pool.submit(interrupt, 0).result() != os.getpid()


def test_a_killed_worker_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    work = partial(double_after_death, tmp_path / "tried")
    with process_pool(Workers(2), 20) as pool:
        assert list(ordered_map(pool, work, range(20), ahead=4)) == list(range(0, 40, 2))
    assert (tmp_path / "tried").exists()
    assert "a worker process died" in capsys.readouterr().err


def test_work_that_always_kills_its_worker_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"scale\.workers"), process_pool(Workers(2), 2) as pool:
        list(ordered_map(pool, partial(count_and_die, tmp_path), [1, 1], ahead=1))
    assert len(list(tmp_path.iterdir())) == ATTEMPTS


@pytest.mark.parametrize(
    ("settings", "key"), [({"engine": "dask"}, r"scale\.engine: 'dask'"), ({"count": 0}, r"scale\.workers")]
)
def test_wrong_workers_are_named(settings: dict[str, object], key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        Workers(**settings)


def test_workers_come_from_the_settings() -> None:
    scale = Scale(engine="ray", workers=3, address="head:6379", device="cpu", precision="fp32")
    assert Workers.of(scale) == Workers(3, "ray", "head:6379")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"scale\.engine: ray needs the extra"), process_pool(Workers(2, "ray"), 2):
        pass
