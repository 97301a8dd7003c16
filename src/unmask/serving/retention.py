"""What is kept is removed when it is too old, at once and then daily."""

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from unmask.dates import today
from unmask.serving.logs import service_log

LOG = service_log()

Sweep = Callable[[date], object]


class Retention:
    """Calls each of SWEEPS with the first day to be kept, KEEP_DAYS ago, now and after every midnight (UTC).

    On a thread of its own, because a disk may be slow and a folder large.
    """

    def __init__(self, sweeps: Sequence[Sweep], *, keep_days: int) -> None:
        self._sweeps, self._keep_days = sweeps, keep_days
        self._closing = threading.Event()
        threading.Thread(target=self._run, name="unmask-retention", daemon=True).start()

    def close(self) -> None:
        """Sweep no more; one that is under way ends by itself."""
        self._closing.set()

    def _run(self) -> None:
        while True:
            for sweep in self._sweeps:
                try:
                    sweep(today() - timedelta(days=self._keep_days))
                except Exception:
                    # What ends this thread ends retention, whatever it is.
                    LOG.exception("what is too old could not be removed; it stays until tomorrow")
            if self._closing.wait(_seconds_to_midnight()):
                return


def remove_all(paths: Iterable[Path]) -> None:
    """Remove files, whatever becomes of one of them; what another worker has removed meanwhile is gone as well.

    Raises:
        OSError: of the first that can't be removed, after all were tried.
    """
    failed: list[OSError] = []
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            failed.append(error)
    if failed:
        raise failed[0]


def _seconds_to_midnight() -> float:
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=1, microsecond=0)
    return (midnight - now).total_seconds()
