"""A DVC command as a child process: its lines live, its whole process group ended with its parent's call."""

import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from unmask.errors import UnmaskError
from unmask.watchdog import ENDINGS

KEPT_LINES = 200
WATCHDOG = "unmask.watchdog"
LONGEST_END_S = 5.0 + sum(grace_s for _, grace_s in ENDINGS)
ERROR_LINE = re.compile(r"^\w+: error: |^ERROR: ")


class DvcError(UnmaskError):
    """DVC ended with a non-zero code; the message is one line with the cause."""


def repro_command(*, target: str = "", force: bool = False) -> list[str]:
    """`dvc repro` up to TARGET (empty: everything), waiting for the repository's lock instead of failing on it."""
    forced = ["--force"] if force else []
    return dvc_command("repro", *forced, "--", *([target] if target else []))


def dvc_command(*words: str) -> list[str]:
    """`dvc WORDS` by this interpreter, waiting for the repository's lock instead of failing on it."""
    return [sys.executable, "-m", "dvc", "--wait-for-lock", *words]


def run_dvc(command: Sequence[str], *, root: Path, on_line: Callable[[str], None], holding: Sequence[int] = ()) -> None:
    """Run COMMAND in ROOT, give each line it prints to ON_LINE at once, and leave none of its processes behind.

    That holds where this process is killed, too: a watchdog ends the group then. It inherits the descriptors HOLDING,
    so that a lock of ours is not free before the group is gone. Stages import the `src` of ROOT first, which may be a
    worktree of another commit than the code that runs this.

    Raises:
        DvcError: the command ended with a non-zero code.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", WATCHDOG, *command],
        cwd=root,
        env=_environment(root),
        stdin=subprocess.PIPE,  # its end tells the watchdog that we are gone
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        pass_fds=tuple(holding),
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


def _environment(root: Path) -> dict[str, str]:
    """Our own environment with this interpreter first on PATH, since dvc.yaml's commands say `python`."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    modules = os.pathsep.join(filter(None, [str(root.resolve() / "src"), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PATH": path, "PYTHONPATH": modules, "PYTHONUNBUFFERED": "1"}


def _end_group(child: subprocess.Popen[str]) -> None:
    """Let the watchdog end what is left, and wait for it."""
    if child.stdin:
        child.stdin.close()
    try:
        child.wait(LONGEST_END_S)
    except subprocess.TimeoutExpired:
        child.kill()
    if child.stdout:
        child.stdout.close()


def _cause(lines: deque[str]) -> str:
    """The stage's own error line where there is one, else DVC's, else the last line."""
    errors = sorted((line for line in lines if ERROR_LINE.match(line)), key=lambda line: line.startswith("ERROR: "))
    return errors[0] if errors else (lines[-1] if lines else "it printed nothing")
