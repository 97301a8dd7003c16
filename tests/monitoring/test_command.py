"""`unmask monitor` as a person calls it."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.monitoring.conftest import OTHER
from unmask.cli import app

PROJECT = Path(__file__).parents[2]

pytestmark = pytest.mark.usefixtures("without_evidently")


@pytest.fixture
def look(keep, log_traffic, tmp_path, monkeypatch):
    """Log rows, then call the command for the two hours before noon."""
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    keep(tmp_path / "build/drift/reference.parquet")
    monkeypatch.chdir(tmp_path)

    def _look(rows, *options):
        log_traffic(tmp_path / "var", rows)
        return CliRunner().invoke(app, ["monitor", "--hours", "2", "--until", "2026-11-21T12:00:00", *options])

    return _look


@pytest.mark.parametrize(
    ("pictures", "shift", "decision"),
    [(60, 0.0, (0, "no drift")), (60, 2.0, (3, "drifted")), (9, 2.0, (4, "undecided"))],
)
def test_the_exit_status_says_what_was_decided(look, make_traffic, pictures, shift, decision):
    result = look([make_traffic(number, shift=shift) for number in range(pictures)])
    status, word = decision
    assert result.exit_code == status, result.output
    assert f"monitor: {word}: " in result.stderr
    assert Path("var/reports/20261121T120000Z.json").is_file()


def test_what_drifted_and_what_is_most_novel_is_listed(look, make_traffic):
    kept = Path("var/inbox/pictures")
    rows = [make_traffic(number, shift=2.0) for number in range(60)]
    novel = look(rows).stdout.split("novel: ")[1].split(",")[0]
    kept.mkdir(parents=True)
    (kept / f"{novel}.jpg").write_bytes(b"")
    printed = look(rows, "--json", "drift.json").stdout
    assert "sharpness: median" in printed
    assert f"novel: {novel}, more so than 100% of the reference, var/inbox/pictures/{novel}.jpg" in printed
    assert json.loads(Path("drift.json").read_text())["drifted"]


def test_rows_left_aside_are_said(look, make_traffic):
    rows = [make_traffic(n, version=OTHER if n < 5 else "0123456789ab") for n in range(65)]
    assert "monitor: 5 left aside, of another model" in look(rows).stderr


def test_a_model_without_a_reference_is_an_error_of_one_line(look, make_traffic):
    result = look([make_traffic(number, version=OTHER) for number in range(60)])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("monitor: error: var/references/ba9876543210.parquet: missing")


def test_a_window_can_be_accepted(look, make_traffic):
    rows = [make_traffic(number, shift=2.0) for number in range(60)]
    result = look(rows, "--accept")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "monitor: var/references/0123456789ab.parquet is the reference from now on" in result.stderr
    assert look(rows).exit_code == 0
