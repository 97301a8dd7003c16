"""Run a command and measure it: wall time, processor time and peak memory of it and all its children."""

import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

_SAMPLE_SECONDS = 0.1


@dataclass(frozen=True)
class Cost:
    """Wall and processor seconds, peak memory in MB (shared pages counted once), and what was printed."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


def run(command: list[str], folder: Path, *, memory: bool = False) -> Cost:
    """Run COMMAND in FOLDER; sampling the memory costs some speed, so it is asked for.

    Raises:
        RuntimeError: the command failed; the message ends with what it printed.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=errors)
        peak = _Peak(process.pid)
        if memory:
            peak.start()
        # wait4 counts the children the process has waited for.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        peak.stop()
        printed, complaint = (stream.seek(0) or stream.read() for stream in (output, errors))
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)[:200]}: {complaint[-2000:]}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, peak.mb, printed)


def alternate(sides: dict[str, tuple[list[str], Path]], repeats: int) -> dict[str, Cost]:
    """Run the sides one after the other, REPEATS times over, and give the median of each."""
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, (command, folder) in sides.items():
            costs[name].append(run(command, folder))
    return {name: middle(several) for name, several in costs.items()}


def middle(costs: list[Cost]) -> Cost:
    """Median times and the highest peak of several runs of one command."""
    return Cost(
        median(cost.seconds for cost in costs),
        median(cost.cpu_seconds for cost in costs),
        max(cost.peak_mb for cost in costs),
        costs[-1].output,
    )


class _Peak:
    def __init__(self, pid: int) -> None:
        self.mb = 0.0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            self.mb = max(self.mb, _tree_mb(self._pid))


def _tree_mb(pid: int) -> float:
    try:
        top = psutil.Process(pid)
        family = [top, *top.children(recursive=True)]
    except psutil.Error:
        return 0.0
    return sum(map(_pss, family)) / 1e6


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
