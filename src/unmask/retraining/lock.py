"""One writer of the loop at a time: two retrains can't mix."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from unmask.errors import UnmaskError

LOCK = "loop.lock"


class BusyError(UnmaskError):
    """Another retrain or ingest is at work."""


@contextmanager
def only_run(state: Path) -> Iterator[int]:
    """Hold STATE's lock; gives its descriptor, to be handed to processes that must be gone before the next run.

    The system lets go of it when its last holder ends, however it ends: a stale one needs no removal.

    Raises:
        BusyError: somebody holds it; the message says who and since when.
    """
    state.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(state / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{state / LOCK}: {_holder(descriptor)}; nothing was done") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"process": os.getpid(), "since": _now()}).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    with suppress(ValueError, KeyError, TypeError):
        holder = json.loads(os.pread(descriptor, 4096, 0))
        return f"a retrain or ingest (process {int(holder['process'])}) is at work since {holder['since']}"
    return "another retrain or ingest is at work"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
