"""A server as a process group: started, waited for, measured, ended."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from unmask.errors import UnmaskError

DEADLINE_S = 120.0
ENDING_S = 30.0  # after SIGTERM


@dataclass(frozen=True)
class Server:
    """What answers on PORT of this machine."""

    port: int
    process: psutil.Process
    start_up_s: float

    def memory(self) -> int:
        """Bytes of resident memory of the process and all below it."""
        total = 0
        for each in (self.process, *self.process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += each.memory_info().rss
        return total


@contextlib.contextmanager
def running(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    ready: str = "/readyz",
) -> Iterator[Server]:
    """Run COMMAND with a free port in place of `{port}` until the block ends; what it prints goes to LOG.

    It is ready once it answers at READY.

    Raises:
        UnmaskError: it ended, or was not ready within DEADLINE_S; the message ends with its last line.
    """
    port = free_port()
    words = [word.replace("{port}", str(port)) for word in command]
    start = time.perf_counter()
    with process_group(words, log=log, environment=environment, cwd=cwd) as process:
        _wait_until_ready(process, port, ready, log)
        yield Server(port, psutil.Process(process.pid), time.perf_counter() - start)


@contextlib.contextmanager
def process_group(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run COMMAND in a process group of its own, which ends with the block; what it prints goes to LOG."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def last_line(log: Path) -> str:
    """What a process said last."""
    return (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, ready: str, log: Path) -> None:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end and process.poll() is None:
        # Refused while it starts, 503 while it loads.
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}{ready}", timeout=DEADLINE_S).close()
            return
        time.sleep(0.05)
    raise UnmaskError(f"{process.args!r} did not serve: {last_line(log)}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the whole group: its leader may be gone while what it started goes on."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, kind)
        end = time.monotonic() + ENDING_S
        while time.monotonic() < end:
            process.poll()  # takes the leader out of the group once it ended
            if not _lives(process.pid):
                return
            time.sleep(0.05)


def _lives(group: int) -> bool:
    """Whether a process of the group runs; one that ended and that nobody waits for does not."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    for each in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if os.getpgid(each.pid) == group and each.status() != psutil.STATUS_ZOMBIE:
                return True
    return False
