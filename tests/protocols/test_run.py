"""A protocol from the command line, with real DVC experiments of a stage that takes no time."""

import csv
import json
import re
import time
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from tests.protocols.conftest import Repository, another_batch
from unmask.cli import app
from unmask.data.ingest import ingest

Call = Callable[..., Result]
WORDS = ("-S", "teach.epochs=10")
PATIENCE = 90.0  # seconds that DVC's worker may take


@pytest.fixture
def call(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.chdir(repository.root)
    return lambda *words: CliRunner().invoke(app, ["protocol", *words])


def test_next_window_shows_its_table(call: Call, repository: Repository) -> None:
    listed = call("next-window", *WORDS, "--dry-run")
    assert "to do; unseen diffusion, v2, warp; tested on diffusion, v2, warp" in listed.stderr
    assert "0 of 1 experiments are finished" in listed.stderr
    first = call("next-window", *WORDS)
    assert first.exit_code == 0, first.stderr
    assert [json.loads(run) for run in repository.runs()] == [["diffusion, v2", "warp"]]
    assert "evaluated without ['diffusion, v2', 'warp']" in first.stderr
    with (repository.root / "build/protocols/next-window.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["generator"], row["candidate"]) for row in rows] == [
        ("diffusion, v2", "student"),
        ("diffusion, v2", "teacher"),
        ("warp", "student"),
        ("warp", "teacher"),
    ]
    student = rows[2]
    assert (student["until"], student["source"], student["n_real"], student["n_fake"]) == (
        "2025-01-10",
        "desk",
        "40.0",
        "30.0",
    )
    assert [float(student[name]) for name in ("auc", "auc_low", "auc_high", "shortcut_auc")] == pytest.approx(
        [0.7, 0.6, 0.8, 0.6]
    )
    assert rows[0]["auc"] == ""
    assert "| 2025-01-10 | desk/warp | student | 40 | 30 | 0.700 (0.600 to 0.800) | 0.600 |" in first.stdout
    assert "diffusion, v2 (no test row)" in first.stdout
    again = call("next-window", *WORDS)
    assert again.stdout == first.stdout
    assert len(repository.runs()) == 1
    assert "1 of 1 experiments are finished" in again.stderr


def test_what_was_just_taken_in_is_run_on_before_dvc_knows_it(call: Call, repository: Repository) -> None:
    before = call("next-window", "--dry-run").stderr.splitlines()[0].split(":")[0]
    ingest(str(another_batch(repository)), repository.root / "data", today="2025-07-01")
    after = call("next-window")
    assert "without ['diffusion, v2', 'warp'] on 2 batches" in after.stderr
    assert before not in after.stderr


def test_a_failed_experiment_stops_none_of_the_others(call: Call, repository: Repository) -> None:
    stage = repository.root / "src/evaluate.py"
    whole = stage.read_text()
    broken = "if unseen == ['swap']:\n    raise SystemExit('evaluate: error: no swap today')\nprint("
    stage.write_text(whole.replace("print(", broken, 1))
    result = call("leave-one-out")
    assert result.exit_code == 1
    assert re.search(r"leave-one-out-swap-\w+: failed: .*evaluate: error: no swap today", result.stderr)
    said = r"protocol: error: leave-one-out-swap-\w+ failed, for the reasons above; 2 of 3 experiments are finished"
    assert re.match(said, result.stderr.splitlines()[-1])
    assert len(repository.runs()) == 3
    written = repository.root / "build/protocols/leave-one-out.md"
    shown = written.read_text()
    assert "| desk/warp | student |" in shown
    written.unlink()
    after = call("leave-one-out", "--dry-run")
    assert "2 of 3 experiments are finished" in after.stderr
    assert after.stdout.strip() == shown.strip()
    assert not written.exists()


def test_queued_ones_are_worked_off_and_not_queued_twice(call: Call, repository: Repository) -> None:
    result = call("next-window", "--queue")
    assert result.exit_code == 0, result.stderr
    assert "0 of 1 experiments are finished; run them with `dvc queue start`" in result.stderr
    assert repository.runs() == []
    assert "is queued or running already" in call("next-window", "--queue").stderr
    repository.call("dvc", "queue", "start", "--jobs", "2")
    try:
        end = time.monotonic() + PATIENCE
        while "1 of 1" not in call("next-window", "--dry-run").stderr:
            assert time.monotonic() < end
    finally:
        repository.call("dvc", "queue", "stop", "--kill")
    assert len(repository.runs()) == 1


def test_an_unknown_protocol_is_one_line(call: Call) -> None:
    result = call("leave-two-out")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "there are leave-one-out, next-window" in result.stderr
