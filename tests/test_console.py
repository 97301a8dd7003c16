import errno

import pytest

from unmask import console
from unmask.console import describe, plain_number, run_as_program, track
from unmask.errors import DataError


def program_fails(error):
    def run():
        raise error

    return run


def test_a_program_ends_with_one_summary_line(capsys):
    run_as_program("teach", lambda: "3 epochs")
    assert capsys.readouterr().err.startswith("teach: 3 epochs (")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (DataError("data/: missing; run `dvc pull`"), "teach: error: data/: missing; run `dvc pull`"),
        (DataError("two\nlines"), "teach: error: two lines"),
        (ValueError("odd"), "teach: error: ValueError: odd (UNMASK_DEBUG=1 shows where)"),
        (OSError(errno.ENOSPC, "No space", "x.bin"), "teach: error: no space left on the device while writing x.bin"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x.bin"), "teach: error: x.bin: No such file"),
    ],
)
def test_an_error_is_one_line_and_exit_code_1(capsys, error, line):
    with pytest.raises(SystemExit, match="1"):
        run_as_program("teach", program_fails(error))
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == 1
    assert printed[0].startswith(line)


def test_an_interrupt_is_no_error(capsys):
    with pytest.raises(SystemExit, match="130"):
        run_as_program("teach", program_fails(KeyboardInterrupt()))
    assert capsys.readouterr().err == "teach: interrupted\n"


def test_the_traceback_is_there_for_who_asks(capsys, monkeypatch):
    monkeypatch.setenv("UNMASK_DEBUG", "1")
    with pytest.raises(SystemExit):
        run_as_program("teach", program_fails(ValueError("odd")))
    assert "Traceback" in capsys.readouterr().err


def test_an_error_without_words_still_has_a_name():
    assert describe(RuntimeError()).startswith("RuntimeError: ")


def test_track_yields_everything_and_stays_quiet_when_it_is_quick(capsys):
    assert list(track(range(5), "crops")) == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err == ""


def test_track_says_where_a_slow_run_is(capsys, monkeypatch):
    ticks = iter(range(0, 1000, 15))
    monkeypatch.setattr(console.time, "monotonic", lambda: float(next(ticks)))
    list(track(range(5), "crops", total=5))
    assert "crops: 1/5, " in capsys.readouterr().err


@pytest.mark.parametrize(("value", "told"), [(12345.0, "12,345"), (0.56581, "0.5658"), (0, "0"), (1e7, "10,000,000")])
def test_numbers_are_told_in_full(value: float, told: str) -> None:
    assert plain_number(value) == told
