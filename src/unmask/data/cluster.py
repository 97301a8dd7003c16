"""The same work as tasks of a Ray cluster (extra `ray`), behind the interface of a pool of processes."""

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from unmask.errors import ConfigError, DataError

P = ParamSpec("P")
T = TypeVar("T")
_ANSWER_SECONDS = 10.0


@contextmanager
def ray_pool(workers: int, address: str, *, attempts: int) -> Iterator[Executor]:
    """Give a pool whose tasks run on a Ray of WORKERS processes on this machine, or on the cluster at ADDRESS.

    A task whose worker dies is tried ATTEMPTS times in all. Tasks run in this process's folder.

    Raises:
        ConfigError: Ray is not installed, or no cluster answers at ADDRESS (host:port).
    """
    # Ray reads it at import.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise ConfigError("scale.engine: ray needs the extra `ray`: pip install 'unmask[ray]'") from None
    if address:
        _knock(address)
    here = {"address": "local", "num_cpus": workers, "include_dashboard": False}
    where: dict[str, Any] = {"address": address} if address else here
    try:
        ray.init(**where, log_to_driver=False, configure_logging=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(f"scale.address: Ray at {address or 'this machine'} can't be used ({error})") from None
    try:
        yield _RayPool(ray, attempts)
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    # Ray itself waits for minutes, then ends the process.
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(f"scale.address: {address!r} is not host:port")
    try:
        socket.create_connection((host, int(port)), _ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(f"scale.address: no Ray cluster answers at {address} ({error})") from None


class _RayPool(Executor):
    def __init__(self, ray: Any, attempts: int) -> None:
        self._task = ray.remote(max_retries=attempts - 1)(_work_in)
        self._folder = Path.cwd()
        self._failed_task = ray.exceptions.RayTaskError

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As Executor.submit; the future ends in the error that FN raised, or in DataError where Ray lost the task."""
        answer: Future[T] = Future()
        reference = self._task.remote(self._folder, partial(fn, *args, **kwargs))
        reference.future().add_done_callback(partial(self._settle, answer))
        return answer

    def _settle(self, answer: Future[T], done: Future[T]) -> None:
        if not answer.set_running_or_notify_cancel():
            return
        error = done.exception()
        if error is None:
            answer.set_result(done.result())
        elif isinstance(error, self._failed_task):
            answer.set_exception(error.cause)
        else:
            answer.set_exception(
                DataError(f"a Ray worker died ({type(error).__name__}), perhaps for lack of memory; see `ray status`")
            )


def _work_in(folder: Path, work: Callable[[], T]) -> T:
    try:
        os.chdir(folder)
    except OSError as error:
        raise DataError(
            f"{folder}: not on {socket.gethostname()} ({error.strerror}); the machines of scale.address must share it"
        ) from None
    return work()
