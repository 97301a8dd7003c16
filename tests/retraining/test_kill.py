"""kill -9 at each step: what is left is sound, and the next run completes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unmask.errors import UnmaskError
from unmask.registry.promotion import champion, settle
from unmask.registry.tags import versions
from unmask.retraining.lock import only_run
from unmask.serving.promoted import read_pointer

PROJECT = Path(__file__).parents[2]
pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1800)]
# As the log has them; the kill comes while the step that the line announces is at work.
STEPS = (
    "bringing the worktree up to date",
    "taking the inbox in",
    "running the pipeline",
    "training in group",
    "scoring v1.0.0",
    "moving the loop's branch",
    "registering the challenger",
    "v1.1.0 is in staging",
    "promoting v1.1.0",
    "sharing what was made",
)


def drive(standin, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.retraining.drive"],
        cwd=standin.root,
        env=os.environ
        | environment
        | {"PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def complete(standin):
    run = drive(standin)
    printed, _ = run.communicate()
    assert run.returncode == 0, printed
    return printed.splitlines()[-1]


def kill_at(standin, step):
    """Start a retrain, kill it when its log comes to STEP, and wait until all that it started is gone."""
    run = drive(standin, STANDIN="hang" if step.startswith("training") else "")
    line = next((line for line in run.stdout if line.startswith(step)), None)
    run.send_signal(signal.SIGKILL)
    run.wait()
    run.stdout.close()
    assert line is not None, step
    deadline = time.monotonic() + 60
    while True:
        try:
            with only_run(standin.state):
                return line
        except UnmaskError:
            assert time.monotonic() < deadline
            time.sleep(0.2)


@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_lost_whenever_it_is_killed(standin, step):
    complete(standin)
    fakes = [standin.report(number) for number in range(3)]
    line = kill_at(standin, step)
    if step.startswith("training"):
        with pytest.raises(ProcessLookupError):
            os.killpg(int(line.rsplit(maxsplit=1)[-1]), 0)

    assert standin.git("status", "--porcelain") == ""
    assert standin.dvc("status", "data.dvc") == "Data and pipelines are up to date."
    settle(standin.root, standin.state)
    assert read_pointer(standin.state).version == champion(standin.root).model

    assert complete(standin).startswith("END")
    assert [version.name for version in versions(standin.root)] == ["v1.1.0", "v1.0.0"]
    assert champion(standin.root).name == "v1.1.0"
    assert read_pointer(standin.state).version == champion(standin.root).model
    assert sorted(standin.git("show", "retrain:regression.csv").splitlines()[1:]) == sorted(
        f"{sha256},fake,seen on a forum" for sha256 in fakes
    )
    assert len(list((standin.state / "retrain/tree/data").glob("inbox-*"))) == 1
