import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from unmask.data.parallel import ordered_map, process_pool
from unmask.errors import DataError


def double(number: int) -> int:
    return 2 * number


def interrupt(_: int) -> int:
    os.kill(os.getpid(), signal.SIGINT)
    return os.getpid()


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
    with process_pool(workers, jobs) as pool:
        assert pool is None


def test_workers_leave_ctrl_c_to_their_parent() -> None:
    with process_pool(2, 2) as pool:
        assert pool is not None
        assert pool.submit(interrupt, 0).result() != os.getpid()


def test_a_dead_worker_is_one_clear_error() -> None:
    with pytest.raises(DataError, match=r"scale\.workers"), process_pool(2, 2) as pool:
        list(ordered_map(pool, os._exit, [1, 1], ahead=2))
