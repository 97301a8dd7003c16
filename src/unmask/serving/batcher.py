"""Work of many requests in a few runs: nobody waits for company, and a queue becomes a batch."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Generic, TypeVar

Model = TypeVar("Model")
Task = TypeVar("Task")
Result = TypeVar("Result")

Run = Callable[[Model, list[Task]], Sequence[Result | Exception]]


class Batcher(Generic[Model, Task, Result]):
    """Collects what waits while threads are busy, and shares it out among those that become free.

    Args:
        run: works in a thread on tasks of one model: a result for each, in order, or the error that it alone gets.
        pool: threads that run, none of which does anything else.
        batch: most tasks of one run.
        runs: runs at a time.
    """

    def __init__(self, run: Run[Model, Task, Result], *, pool: ThreadPoolExecutor, batch: int, runs: int) -> None:
        self._run, self._pool, self._batch, self._runs = run, pool, batch, runs
        self._free = runs
        self._waiting: deque[tuple[Model, Task, asyncio.Future[Result]]] = deque()

    async def submit(self, model: Model, tasks: Sequence[Task]) -> list[Result]:
        """Results of MODEL's tasks, in order. Tasks of a caller that is cancelled are dropped where none began."""
        loop = asyncio.get_running_loop()
        asked = [(model, task, loop.create_future()) for task in tasks]
        self._waiting += asked
        self._start(loop)
        results: list[Result] = await asyncio.gather(*(future for _, _, future in asked))
        return results

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._free and (taken := self._take()):
            self._free -= 1
            model, futures = taken[0][0], [future for _, _, future in taken]
            run = loop.run_in_executor(self._pool, self._run, model, [task for _, task, _ in taken])
            run.add_done_callback(partial(self._finish, futures, loop))

    def _take(self) -> list[tuple[Model, Task, "asyncio.Future[Result]"]]:
        """The next tasks of one model, no more than leave the other threads their share."""
        while self._waiting and self._waiting[0][2].done():
            self._waiting.popleft()
        most = min(self._batch, -(-len(self._waiting) // self._runs))
        taken: list[tuple[Model, Task, asyncio.Future[Result]]] = []
        while self._waiting and len(taken) < most and (not taken or self._waiting[0][0] is taken[0][0]):
            each = self._waiting.popleft()
            if not each[2].done():
                taken.append(each)
        return taken

    def _finish(
        self,
        futures: list["asyncio.Future[Result]"],
        loop: asyncio.AbstractEventLoop,
        done: "asyncio.Future[Sequence[Result | Exception]]",
    ) -> None:
        self._free += 1
        failed = done.exception()
        results = [failed] * len(futures) if failed else done.result()
        for future, result in zip(futures, results, strict=True):
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
        self._start(loop)
