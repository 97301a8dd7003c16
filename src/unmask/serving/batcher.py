"""Work of many requests in a few runs: nobody waits for company, and a queue becomes a batch."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

Model = TypeVar("Model")
Task = TypeVar("Task")
Result = TypeVar("Result")

Run = Callable[[Model, list[Task]], Sequence[Result | Exception]]


@dataclass(frozen=True, eq=False)
class _Caller(Generic[Model, Task, Result]):
    model: Model
    waiting: deque[tuple[Task, "asyncio.Future[Result]"]]


class Batcher(Generic[Model, Task, Result]):
    """Collects what waits while threads are busy, and shares it out among those that become free.

    Callers take turns, task by task: one with many lets others in between.

    Args:
        run: works in a thread on tasks of one model: a result for each, in order, or the error that it alone gets.
        pool: threads that run, none of which does anything else.
        batch: most tasks of one run.
        runs: runs at a time.
        on_run: is told the number of tasks of each run.
    """

    def __init__(
        self,
        run: Run[Model, Task, Result],
        *,
        pool: ThreadPoolExecutor,
        batch: int,
        runs: int,
        on_run: Callable[[int], None],
    ) -> None:
        self._run, self._pool, self._batch, self._runs, self._on_run = run, pool, batch, runs, on_run
        self._free = runs
        self._callers: deque[_Caller[Model, Task, Result]] = deque()

    async def submit(self, model: Model, tasks: Sequence[Task]) -> list[Result]:
        """Results of MODEL's tasks, in order. Tasks of a caller that is cancelled are dropped where none began."""
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Result]] = [loop.create_future() for _ in tasks]
        caller = _Caller(model, deque(zip(tasks, futures, strict=True)))
        self._callers.append(caller)
        self._start(loop)
        try:
            results: list[Result] = await asyncio.gather(*futures)
        finally:
            caller.waiting.clear()
        return results

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._free and (taken := self._take()):
            model, waiting = taken
            self._free -= 1
            self._on_run(len(waiting))
            run = loop.run_in_executor(self._pool, self._run, model, [task for task, _ in waiting])
            run.add_done_callback(partial(self._finish, [future for _, future in waiting], loop))

    def _take(self) -> tuple[Model, list[tuple[Task, "asyncio.Future[Result]"]]] | None:
        """One task of each caller that asks the same model as the first, and so on until the thread has its share.

        A share of what is left, not of what came: runs become smaller towards the end, so that threads end together.
        """
        callers = [caller for caller in self._callers if caller.waiting]
        if not callers:
            self._callers.clear()
            return None
        model = callers[0].model
        turns = deque(caller for caller in callers if caller.model is model)
        share = -(-sum(len(caller.waiting) for caller in turns) // self._runs)
        taken: list[tuple[Task, asyncio.Future[Result]]] = []
        while len(taken) < min(share, self._batch):
            caller = turns.popleft()
            taken.append(caller.waiting.popleft())
            if caller.waiting:
                turns.append(caller)
        self._callers = deque([caller for caller in callers if caller.model is not model] + list(turns))
        return model, taken

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
