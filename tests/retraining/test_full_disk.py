import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1800)]
MOUNT = ("unshare", "--user", "--map-root-user", "--mount")


def may_mount(folder):
    command = [*MOUNT, "mount", "-t", "tmpfs", "tmpfs", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def test_a_full_disk_ends_a_retrain_and_harms_nothing(standin, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if not may_mount(disk):
        pytest.skip("this system lets nobody mount a disk of their own (unshare --user --mount)")
    run = subprocess.run(
        [*MOUNT, sys.executable, "-m", "tests.retraining.full_disk", str(disk), str(standin.root)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
