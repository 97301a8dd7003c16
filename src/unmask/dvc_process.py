"""A DVC command as a child process: its lines live, its whole process group ended with its parent's call."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from unmask.errors import UnmaskError

KEPT_LINES = 200
POLL_S = 0.05
# dvc answers SIGINT by releasing its locks; each later signal is for who has not answered the one before.
ENDINGS = ((signal.SIGINT, 10.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
ERROR_LINE = re.compile(r"^\w+: error: |^ERROR: ")


class DvcError(UnmaskError):
    """DVC ended with a non-zero code; the message is one line with the cause."""


def repro_command(*, target: str = "", force: bool = False) -> list[str]:
    """`dvc repro` up to TARGET (empty: everything), waiting for the repository's lock instead of failing on it."""
    forced = ["--force"] if force else []
    return [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", *forced, "--", *([target] if target else [])]


def run_dvc(command: Sequence[str], *, root: Path, on_line: Callable[[str], None]) -> None:
    """Run COMMAND in ROOT, give each line it prints to ON_LINE at once, and leave none of its processes behind.

    Raises:
        DvcError: the command ended with a non-zero code.
    """
    child = subprocess.Popen(
        command,
        cwd=root,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    seen: deque[str] = deque(maxlen=KEPT_LINES)
    try:
        for line in child.stdout or ():
            if text := line.rstrip():
                seen.append(text)
                on_line(text)
        code = child.wait()
    finally:
        _end_group(child)
    if code:
        raise DvcError(f"dvc ended with code {code}: {_cause(seen)}")


def _environment() -> dict[str, str]:
    """Our own environment with this interpreter first on PATH, since dvc.yaml's commands say `python`."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}


def _end_group(child: subprocess.Popen[str]) -> None:
    for number, grace_s in ENDINGS:
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            break
        _await_group(child, time.monotonic() + grace_s)
    if child.stdout:
        child.stdout.close()


def _await_group(child: subprocess.Popen[str], deadline: float) -> None:
    """Return once no process of the group is left: DVC may be gone while its stage still saves a checkpoint."""
    while time.monotonic() < deadline:
        child.poll()
        try:
            os.killpg(child.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(POLL_S)


def _cause(lines: deque[str]) -> str:
    """The stage's own error line where there is one, else DVC's, else the last line."""
    errors = sorted((line for line in lines if ERROR_LINE.match(line)), key=lambda line: line.startswith("ERROR: "))
    return errors[0] if errors else (lines[-1] if lines else "it printed nothing")
