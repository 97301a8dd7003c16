"""Work spread over a pool with results in order and only a few of them in memory."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from unmask.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def process_pool(workers: int, jobs: int) -> Iterator[Executor | None]:
    """Give a pool of at most WORKERS fresh processes, or None where one process will do.

    The processes leave Ctrl-C to their parent.

    Raises:
        DataError: a worker process died.
    """
    if workers <= 1 or jobs <= 1:
        yield None
        return
    # Forked children would inherit the threads and locks of whatever the parent has loaded.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, jobs), mp_context=fresh, initializer=_leave_interrupts_to_the_parent) as pool:
        try:
            yield pool
        except BrokenProcessPool:
            raise DataError("a worker process died, perhaps for lack of memory; try a smaller scale.workers") from None


def ordered_map(
    pool: Executor | None, work: Callable[[Item], Result], items: Iterable[Item], *, ahead: int
) -> Iterator[Result]:
    """Yield work(item) in the order of the items, at most AHEAD of them under way; without a pool, one by one."""
    if pool is None:
        yield from map(work, items)
        return
    coming = iter(items)
    pending: deque[Future[Result]] = deque(pool.submit(work, item) for item in islice(coming, ahead))
    try:
        while pending:
            result = pending.popleft().result()
            pending.extend(pool.submit(work, item) for item in islice(coming, 1))
            yield result
    finally:
        for future in pending:
            future.cancel()


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
