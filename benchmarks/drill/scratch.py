"""The drill's scratch folder, and what of it outlives the drill."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unmask.console import say

RESULTS = ("drill.md", "drill.json", "drill.png")
LOGS = "drill-logs"


def remove_results(out: Path) -> None:
    """Remove an earlier drill's results from OUT, so that none lies beside the logs of a later one that broke off."""
    for name in RESULTS:
        (out / name).unlink(missing_ok=True)


@contextmanager
def scratch_folder(out: Path, *, keep: bool) -> Iterator[Path]:
    """A new folder in the system's temporary one, with logs/ in it; at the end its logs go to OUT and it is removed.

    KEEP leaves it where it is.
    """
    folder = Path(tempfile.mkdtemp(prefix="unmask-drill-")).resolve()
    (folder / "logs").mkdir()
    try:
        yield folder
    finally:
        try:
            keep_logs(folder / "logs", out / LOGS)
        finally:
            if not keep:
                shutil.rmtree(folder, ignore_errors=True)
            if folder.exists():
                say(f"drill: the clone, with its pictures, is left in {folder}")


def keep_logs(logs: Path, target: Path) -> None:
    """Copy what the servers printed to TARGET, in place of an earlier drill's logs."""
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.log"):
        old.unlink()
    for log in logs.glob("*.log"):
        shutil.copyfile(log, target / log.name)
