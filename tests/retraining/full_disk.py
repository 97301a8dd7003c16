"""`python -m tests.retraining.full_disk FOLDER PROJECT`: retrains of a copy of PROJECT on a small disk that fills up.

It runs in a mount namespace of its own and mounts the disk on FOLDER.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.standin import StandIn
from unmask.registry.promotion import champion, settle
from unmask.registry.tags import versions
from unmask.serving.promoted import read_pointer

SIZE = "200m"
LEFT = (0, 100_000)  # bytes that are free when a run begins


def retrain() -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "tests.retraining.drive"], capture_output=True, text=True, check=False)


def fill(path: Path, *, left: int) -> None:
    """Let the file PATH take all of its disk but LEFT bytes."""
    path.write_bytes(bytes(shutil.disk_usage(path.parent).free - left))


def check(standin: StandIn, *, left: int) -> None:
    """Run into the full disk with LEFT bytes, and look at what is there."""
    filler = standin.root.parent / "filler"
    fill(filler, left=left)
    run = retrain()
    last = (run.stderr.strip().splitlines() or [""])[-1]
    assert run.returncode == 1, run.stdout + run.stderr
    assert last.startswith("drive: error: "), run.stderr
    assert "Traceback" not in run.stderr, run.stderr
    filler.unlink()
    settle(standin.root, standin.state)
    assert standin.git("status", "--porcelain") == ""
    assert champion(standin.root).name == "v1.0.0"
    assert read_pointer(standin.state).version == champion(standin.root).model


def main(folder: Path, project: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], check=True)
    root = Path(shutil.copytree(project, folder / "project", symlinks=True))
    os.chdir(root)
    standin = StandIn(root)
    assert retrain().returncode == 0
    standin.report(1)
    for left in LEFT:
        check(standin, left=left)
    run = retrain()
    assert run.returncode == 0, run.stdout + run.stderr
    assert [version.name for version in versions(root)] == ["v1.1.0", "v1.0.0"]
    assert champion(root).name == "v1.1.0"


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
