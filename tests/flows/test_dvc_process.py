import os
import sys
from pathlib import Path

import pytest

from unmask.dvc_process import DvcError, repro_command, run_dvc


def test_lines_arrive_while_the_stage_runs(tiny):
    lines = []
    run_dvc(repro_command(), root=tiny.root, on_line=lines.append)
    assert "hello from the stage" in lines
    assert (tiny.root / "build/done.txt").is_file()


def test_a_second_run_does_nothing(tiny):
    lines = []
    run_dvc(repro_command(target="hello"), root=tiny.root, on_line=lambda _: None)
    run_dvc(repro_command(target="hello"), root=tiny.root, on_line=lines.append)
    assert "hello from the stage" not in lines


def test_force_runs_it_again(tiny):
    lines = []
    run_dvc(repro_command(), root=tiny.root, on_line=lambda _: None)
    run_dvc(repro_command(force=True), root=tiny.root, on_line=lines.append)
    assert "hello from the stage" in lines


def test_a_failure_names_the_stages_own_error(tiny):
    tiny.set_mode("fail")
    with pytest.raises(DvcError, match=r"hello: error: mode\.txt asks for a failure"):
        run_dvc(repro_command(), root=tiny.root, on_line=lambda _: None)


def test_an_unknown_stage_is_dvcs_own_error(tiny):
    with pytest.raises(DvcError, match="--help"):
        run_dvc(repro_command(target="--help"), root=tiny.root, on_line=lambda _: None)


def test_a_cancelled_run_leaves_no_process_and_no_lock(tiny):
    tiny.set_mode("hang")
    groups = []

    def cancel_when_hanging(line: str) -> None:
        if line.startswith("hanging in group"):
            groups.append(int(line.rsplit(maxsplit=1)[-1]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_dvc(repro_command(), root=tiny.root, on_line=cancel_when_hanging)
    with pytest.raises(ProcessLookupError):
        os.killpg(groups[0], 0)
    tiny.set_mode("work")
    assert tiny.repro().returncode == 0


def test_the_stage_sees_this_interpreter_first(tiny):
    (tiny.root / "hello.py").write_text("import pathlib, sys; print(sys.prefix); pathlib.Path('build').mkdir()\n"
                                        "pathlib.Path('build/done.txt').touch()\n")  # fmt: skip
    lines = []
    run_dvc(repro_command(), root=tiny.root, on_line=lines.append)
    assert any(Path(line) == Path(sys.prefix) for line in lines)
