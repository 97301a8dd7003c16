"""Crops of many requests in one inference."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from unmask.data.preprocess import Pixels
from unmask.serving.runtime import Answer, Runtime

Waiting = tuple[Runtime, Pixels, "asyncio.Future[Answer]"]


class Batcher:
    """Collects what waits while an inference runs: nobody waits for company, and a queue becomes a batch.

    Args:
        pool: threads that infer.
        batch: most crops of one inference.
        runs: inferences at a time.
        on_run: is told the number of crops of each inference.
    """

    def __init__(self, pool: ThreadPoolExecutor, *, batch: int, runs: int, on_run: Callable[[int], None]) -> None:
        self._pool, self._batch, self._free, self._on_run = pool, batch, runs, on_run
        self._waiting: list[Waiting] = []

    async def answer(self, runtime: Runtime, crops: Sequence[Pixels]) -> list[Answer]:
        """Answers of RUNTIME for each crop, uint8 (size, size, 3)."""
        loop = asyncio.get_running_loop()
        asked = [(runtime, crop, loop.create_future()) for crop in crops]
        self._waiting += asked
        self._start(loop)
        return list(await asyncio.gather(*(future for _, _, future in asked)))

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting and self._free:
            runtime = self._waiting[0][0]
            alike = [each for each in self._waiting if each[0] is runtime][: self._batch]
            taken = {id(each) for each in alike}
            self._waiting = [each for each in self._waiting if id(each) not in taken]
            self._free -= 1
            self._on_run(len(alike))
            run = loop.run_in_executor(self._pool, runtime.predict_crops, np.stack([crop for _, crop, _ in alike]))
            run.add_done_callback(partial(self._finish, alike, loop))

    def _finish(
        self, alike: list[Waiting], loop: asyncio.AbstractEventLoop, done: "asyncio.Future[list[Answer]]"
    ) -> None:
        self._free += 1
        error = done.exception()
        for number, (_, _, future) in enumerate(alike):
            if future.done():
                continue
            if error:
                future.set_exception(error)
            else:
                future.set_result(done.result()[number])
        self._start(loop)
