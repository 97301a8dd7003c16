"""Work spread over a pool with results in order and only a few of them in memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Self, TypeVar

from unmask.config import Scale
from unmask.data.processes import RestartingPool
from unmask.errors import ConfigError, DataError

Item = TypeVar("Item")
Result = TypeVar("Result")
# The system kills whoever asks for memory next, so one death says little about a task; a third does.
ATTEMPTS = 3
_TASKS_PER_WORKER = 4


@dataclass(frozen=True)
class Workers:
    """Who works: COUNT processes of this machine (engine local) or of a Ray cluster (engine ray).

    An empty ADDRESS starts a Ray of COUNT workers on this machine; another joins the cluster that answers there, whose
    machines must see the same files under the same paths.

    Raises:
        ConfigError: the engine is unknown, or there is no worker.
    """

    count: int = 1
    engine: str = "local"
    address: str = ""

    def __post_init__(self) -> None:
        if self.engine not in {"local", "ray"}:
            raise ConfigError(f"scale.engine: {self.engine!r} is not local or ray")
        if self.count < 1:
            raise ConfigError(f"scale.workers: must be at least 1, got {self.count}")

    @classmethod
    def of(cls, scale: Scale) -> Self:
        """The workers that params.yaml asks for."""
        return cls(scale.workers, scale.engine, scale.address)

    @property
    def ahead(self) -> int:
        """Tasks under way at once: enough to keep all busy, few enough to bound memory."""
        return _TASKS_PER_WORKER * self.count


def process_pool(workers: Workers, jobs: int) -> AbstractContextManager[Executor | None]:
    """Give a pool for JOBS tasks, or None where this process will do.

    Raises:
        ConfigError: Ray is not installed, or no cluster answers at the address.
    """
    if jobs <= 1 or (workers.engine == "local" and workers.count == 1):
        return nullcontext()
    if workers.engine == "local":
        return RestartingPool(min(workers.count, jobs))
    from unmask.data.cluster import ray_pool

    return ray_pool(workers.count, workers.address, attempts=ATTEMPTS)


def ordered_map(
    pool: Executor | None, work: Callable[[Item], Result], items: Iterable[Item], *, ahead: int
) -> Iterator[Result]:
    """Yield work(item) in the order of the items, at most AHEAD of them under way; without a pool, one by one.

    WORK must be a pure function: where its worker dies, it is tried again, ATTEMPTS times in all.

    Raises:
        DataError: the next item's worker died each time.
    """
    if pool is None:
        yield from map(work, items)
        return
    coming = iter(items)
    pending = deque((item, pool.submit(work, item)) for item in islice(coming, ahead))
    attempt = 1
    try:
        while pending:
            try:
                result = pending[0][1].result()
            except BrokenExecutor:
                if attempt == ATTEMPTS:
                    raise DataError(
                        "a worker process died, perhaps for lack of memory; try a smaller scale.workers"
                    ) from None
                attempt += 1
                pending = deque((item, _unless_lost(future) or pool.submit(work, item)) for item, future in pending)
                continue
            pending.popleft()
            attempt = 1
            pending.extend((item, pool.submit(work, item)) for item in islice(coming, 1))
            yield result
    finally:
        for _, future in pending:
            future.cancel()


def _unless_lost(future: Future[Result]) -> Future[Result] | None:
    return None if future.done() and isinstance(future.exception(), BrokenExecutor) else future
