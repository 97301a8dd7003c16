"""`dvc repro` end to end on a small copy of this repository."""

import os
import re
import signal
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]

AFTER_DISTILL = {"distill", "evaluate", "drift", "package"}
KILL_WITHIN_S = 120.0


def stages_run(printed: str) -> set[str]:
    return set(re.findall(r"Running stage '(\w+)'", printed))


def comments(params: Path) -> list[str]:
    return re.findall(r"#.*", params.read_text())


def test_two_batches_were_taken_in(copied):
    batches = sorted((copied.root / "data").iterdir())
    assert len(batches) == 2
    assert all((batch / "shard-0000.zip").is_file() for batch in batches)


def test_every_stage_leaves_its_output(reproduced):
    names = ("dataset", "expanded", "validation", "pretrain", "teacher", "student", "evaluation", "drift", "package")
    assert [name for name in names if not any((reproduced.root / "build" / name).iterdir())] == []
    assert (reproduced.root / "build/evaluation/report.html").is_file()
    assert (reproduced.root / "build/metrics.json").is_file()


def test_a_second_repro_does_nothing(reproduced):
    assert stages_run(reproduced.run("dvc", "repro")) == set()
    assert reproduced.run("git", "status", "--porcelain") == ""


def test_an_edited_section_reruns_exactly_what_depends_on_it(clone):
    params = clone.root / "params.yaml"
    before = comments(params)
    printed = clone.run("dvc", "exp", "run", "-S", "distill.epochs=2")
    assert stages_run(printed) == AFTER_DISTILL
    assert comments(params) == before


def test_a_stage_runs_alone(clone):
    printed = clone.run("python", "-m", "unmask.stages.distill", "distill.epochs=1")
    assert printed.splitlines()[-1].startswith("distill: ")


def test_push_leaves_git_clean(clone):
    clone.run("dvc", "push")
    assert clone.run("git", "status", "--porcelain") == ""
    assert any((clone.root / "var/store").rglob("*"))
    assert not (clone.root / "sample").exists()


def test_a_failing_hard_expectation_stops_before_training(clone):
    clone.set_params({"validate.min_rows": 10_000_000, "pretrain.epochs": 2})
    printed = clone.run("dvc", "repro", code=None)
    assert stages_run(printed) == {"validate"}
    errors = [line for line in printed.splitlines() if line.startswith("validate: error: ")]
    assert len(errors) == 1
    assert "min_rows" in errors[0]
    assert "Traceback" not in printed


@pytest.mark.parametrize(("stage", "out"), [("teach", "teacher"), ("distill", "student")])
def test_a_killed_training_continues_to_the_same_result(clone, stage, out):
    metrics = clone.root / f"build/{out}/metrics.json"
    history = clone.root / f"build/{out}/history.csv"
    uninterrupted = metrics.read_bytes(), history.read_bytes()
    command = ("dvc", "repro", "--force", "--single-item", stage)
    assert kill_after_first_checkpoint(clone, command, stage) == -signal.SIGKILL
    assert not metrics.exists()
    assert "continuing after step" in clone.run(*command)
    assert (metrics.read_bytes(), history.read_bytes()) == uninterrupted


def kill_after_first_checkpoint(clone, command, stage) -> int:
    process = clone.start(*command)
    deadline = time.monotonic() + KILL_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        if any((clone.root / "var/checkpoints" / stage).rglob("state.safetensors")):
            os.killpg(process.pid, signal.SIGKILL)
            break
        time.sleep(0.005)
    process.communicate()
    return process.returncode
