"""Writes traffic rows on a thread of its own: a request neither waits for a disk nor fails by it."""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from datetime import date
from io import FileIO
from pathlib import Path

from unmask.dates import today
from unmask.serving import metrics
from unmask.serving.logs import service_log
from unmask.serving.traffic import FOLDER, TrafficRow, file_name

LOG = service_log()

WAITING = 512  # rows that may wait; with a reduced picture of 200 KB each, still to be measured, they take 100 MB
LARGEST = 64 * 2**20  # bytes of a file before the next one begins
PAUSE_S = 0.1  # between two writes; short, so that no long piece of work holds up the requests
COMPLAIN_S = 60.0  # at most one line of log about a full disk in this time

MakeRow = Callable[[], TrafficRow]


class TrafficLog:
    """Rows of one worker in STATE/traffic, a file a day.

    Rows that find the queue or the disk full, or come too late, are dropped and counted. What was added before `close`
    is written.
    """

    def __init__(self, state: Path, *, waiting: int = WAITING, largest: int = LARGEST) -> None:
        self._state, self._most, self._largest = state, waiting, largest
        self._worker, self._number = uuid.uuid4().hex[:8], 0
        self._day = date.min
        self._waiting: deque[MakeRow] = deque()
        self._file: FileIO | None = None
        self._complained = -COMPLAIN_S
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="unmask-traffic", daemon=True)
        self._thread.start()

    def add(self, make: MakeRow) -> None:
        """Let the row that MAKE gives be written; MAKE is called on the writing thread."""
        if self._closing.is_set():
            metrics.DROPPED.labels("closed").inc()
        elif len(self._waiting) >= self._most:
            metrics.DROPPED.labels("queue").inc()
        else:
            self._waiting.append(make)

    def close(self, timeout_s: float = 5.0) -> None:
        """Write what waits, for at most TIMEOUT_S seconds, and end."""
        self._closing.set()
        self._thread.join(timeout_s)
        metrics.DROPPED.labels("closed").inc(len(self._waiting))

    def _run(self) -> None:
        last = False
        while not last:
            last = self._closing.wait(PAUSE_S)
            lines = self._lines()
            if lines:
                self._write(lines)
        if self._file:
            self._file.close()

    def _lines(self) -> list[bytes]:
        lines = []
        # Not until it is empty, which under load it may never be.
        for _ in range(len(self._waiting)):
            make = self._waiting.popleft()
            try:
                lines.append(make().to_json().encode() + b"\n")
            except Exception:
                metrics.DROPPED.labels("row").inc()
                LOG.exception("a prediction could not be made into a traffic row")
        return lines

    def _write(self, lines: list[bytes]) -> None:
        try:
            file = self._current()
            rest = memoryview(b"".join(lines))
            while rest:
                rest = rest[file.write(rest) :]
        except OSError as error:
            metrics.DROPPED.labels("disk").inc(len(lines))
            self._leave_file()  # its last line may be half a one
            if time.monotonic() - self._complained > COMPLAIN_S:
                self._complained = time.monotonic()
                LOG.error("traffic log: %s; rows are dropped until it can be written", error.strerror)

    def _current(self) -> FileIO:
        day = today()
        if day != self._day:
            self._leave_file()
            self._day, self._number = day, 0
        if self._file and self._file.tell() >= self._largest:
            self._leave_file()
        if not self._file:
            folder = self._state / FOLDER
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = FileIO(folder / file_name(day, self._worker, self._number), "ab")
        return self._file

    def _leave_file(self) -> None:
        if self._file:
            self._file.close()
            self._file = None
            self._number += 1
