"""What the benchmark is built of; its figures are for people to judge and are never tested."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.data.collection import SETTINGS
from benchmarks.data.duplicates import face_like, uniform
from benchmarks.data.pictures import overrides, write_source
from benchmarks.data.run import alternate, run
from benchmarks.data.table import Row, as_markdown
from unmask.config import load_config

HOLD_60_MB = "import time; held = bytes(range(256)) * 240_000; time.sleep(1.5)"


def test_a_run_keeps_what_was_printed(tmp_path: Path) -> None:
    cost = run([sys.executable, "-c", "import os; print(os.getcwd())"], tmp_path)
    assert cost.output.strip() == str(tmp_path.resolve())
    assert cost.seconds > 0 < cost.cpu_seconds


def test_a_failing_run_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no such thing"):
        run([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path)


def test_the_memory_of_children_counts(tmp_path: Path) -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD_60_MB!r}], check=True)"
    assert run([sys.executable, "-c", child], tmp_path, memory=True).peak_mb > 60


def test_sides_take_turns(tmp_path: Path) -> None:
    sides = {side: (["sh", "-c", f"printf {side} >> log"], tmp_path) for side in "ab"}
    assert set(alternate(sides, 3)) == {"a", "b"}
    assert (tmp_path / "log").read_text() == "ababab"


def test_drawn_pictures_are_the_same_again_and_no_two_alike(tmp_path: Path) -> None:
    write_source(tmp_path / "a", 6, side=32, real=False)
    write_source(tmp_path / "b", 6, side=32, real=False)
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.jpg")}
        for folder in (tmp_path / "a", tmp_path / "b")
    )
    assert first == second
    assert len(set(first.values())) == 6
    assert {path.parts[0] for path in first} == {"real", "fake"}


def test_face_like_hashes_agree_more_often_than_uniform_ones() -> None:
    def agreeing(values: np.ndarray) -> int:
        _, counts = np.unique(values & np.uint64(0x1FFF), return_counts=True)
        return int((counts * (counts - 1)).sum())

    assert agreeing(face_like(20_000)) > 3 * agreeing(uniform(20_000))


def test_the_table_is_markdown() -> None:
    lines = as_markdown([Row("a / b", "2 s", "1 s", 2.0, "3", "here"), Row("c", "", "", None, "", "")]).splitlines()
    assert lines[2] == "| a / b | 2 s | 1 s | 2 | 3 | here |"
    assert [line.count("|") for line in lines] == [7] * 4


@pytest.mark.parametrize("detector", ["none", "mediapipe"])
def test_the_measured_settings_are_settings_of_params_yaml(detector: str) -> None:
    assert load_config(Path(), [*overrides(detector), *SETTINGS]).assemble.faces.detector == detector
