"""A pool of processes on this machine that goes on when one of them is killed."""

import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from unmask.console import say

P = ParamSpec("P")
T = TypeVar("T")


class RestartingPool(Executor):
    """Fresh processes that leave Ctrl-C to their parent.

    When one dies, the tasks under way end in BrokenProcessPool and the next `submit` starts new processes; call it
    from one thread only.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = self._start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As Executor.submit, after a worker's death in new processes."""
        try:
            return self._pool.submit(fn, *args, **kwargs)
        except BrokenProcessPool:
            say("note: a worker process died; its work starts again")
            self._pool.shutdown()
            self._pool = self._start()
            return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As Executor.shutdown."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def _start(self) -> ProcessPoolExecutor:
        # Forked children would inherit the threads and locks of whatever the parent has loaded.
        fresh = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._workers, mp_context=fresh, initializer=_leave_interrupts_to_the_parent)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
