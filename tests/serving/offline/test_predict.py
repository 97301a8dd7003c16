"""`unmask predict` from the command line, on a bundle that anyone can check by hand."""

import csv
import math
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from unmask.cli import app
from unmask.evaluation.slices import by_clip
from unmask.serving import cores
from unmask.serving.bundle import load_bundle
from unmask.serving.offline import predict as offline

Call = Callable[..., Result]
WriteClip = Callable[[str, Sequence[int]], str]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_bundle: Path) -> Call:
    """Run `unmask predict` in an empty folder with the hand-made bundle."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNMASK_BUNDLE", str(shared_bundle))
    return lambda *words: CliRunner().invoke(app, ["predict", *words])


def grey(path: str, level: int, size: tuple[int, int] = (48, 48)) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, level, level)).save(path)
    return path


def rows_of(path: str = "out.csv") -> list[dict[str, str]]:
    with Path(path).open(newline="") as stream:
        return list(csv.DictReader(stream))


def p_of(level: float) -> float:
    """What the hand-made model and its calibration make of a grey level."""
    return 1 / (1 + math.exp(-8.0 * (level / 255 - 0.5) / 2.0))


def test_each_picture_has_its_probability_and_verdict(call: Call, shared_bundle: Path) -> None:
    for number, level in enumerate((255, 128, 0)):
        grey(f"in/{number}.png", level)
    result = call("in", "--csv", "out.csv", "--workers", "2")
    assert result.exit_code == 0
    rows = rows_of()
    assert [(row["path"], row["verdict"]) for row in rows] == [
        ("in/0.png", "fake"),
        ("in/1.png", "uncertain"),
        ("in/2.png", "real"),
    ]
    assert [float(row["p_fake"]) for row in rows] == pytest.approx([p_of(255), p_of(128), p_of(0)], abs=1e-5)
    bundle = load_bundle(shared_bundle)
    assert {(row["model_version"], row["data_hash"]) for row in rows} == {(bundle.version, bundle.data.md5)}
    assert "predict: 3 files: 1 real, 1 uncertain, 1 fake; model" in result.stderr
    assert "drawn" in result.stderr  # what the bundle says of its data


def test_a_clip_has_its_frames_and_is_judged_by_their_mean_log_odds(call: Call, write_clip: WriteClip) -> None:
    write_clip("clip.mp4", [255] * 9 + [0] * 3)
    assert call("clip.mp4", "--csv", "out.csv").exit_code == 0
    *frames, clip = rows_of()
    assert [row["level"] for row in frames] == ["frame"] * 4
    assert [row["verdict"] for row in frames] == ["fake", "fake", "fake", "real"]
    times = [float(row["time_s"]) for row in frames]
    assert times == sorted(set(times))
    assert (clip["level"], clip["verdict"]) == ("clip", "uncertain")
    assert clip["sentence"] == "judged from 4 frames, 3 of them fake by itself"
    # Log-odds of 4, 4, 4 and -4; the mean of the probabilities would be 0.69.
    assert float(clip["logit"]) == pytest.approx(2.0, abs=0.1)
    assert float(clip["p_fake"]) == pytest.approx(1 / (1 + math.exp(-1.0)), abs=0.01)


def test_a_clip_has_the_score_that_evaluation_gives_it(call: Call, write_clip: WriteClip, shared_bundle: Path) -> None:
    write_clip("clip.mp4", [255] * 5 + [200] * 4 + [0] * 3)
    assert call("clip.mp4", "--csv", "out.csv").exit_code == 0
    *frames, clip = rows_of()
    table = pd.DataFrame({"logit": [float(row["logit"]) for row in frames]})
    table = table.assign(source="s", label="fake", generator="g", clip="c", group="p", domain="d", seen=True)
    (evaluated,) = by_clip(table, load_bundle(shared_bundle).calibration.temperature).itertuples()
    assert float(clip["logit"]) == pytest.approx(evaluated.logit, abs=1e-5)
    assert float(clip["p_fake"]) == pytest.approx(evaluated.p_fake, abs=1e-5)


def test_what_can_t_be_used_has_a_row_with_its_reason_and_stops_nothing(call: Call) -> None:
    grey("in/1.png", 255)
    grey("in/2-small.png", 255, (12, 12))
    grey("in/3-large.png", 255, (2000, 600))
    Path("in/4.jpg").write_text("no picture at all")
    Path("in/5-cut.png").write_bytes(Path("in/1.png").read_bytes()[:60])
    Path("in/6-clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(200))
    with Path("in/7-long.png").open("wb") as stream:
        stream.truncate(2_000_000)
    Path("in/8-gone.png").symlink_to("nowhere.png")
    grey("in/9.png", 0)
    result = call("in", "in/8-gone.png", "--csv", "out.csv")
    assert result.exit_code == 3
    errors = {row["path"]: row["error"] for row in rows_of()}
    assert (errors["in/1.png"], errors["in/9.png"]) == ("", "")
    reasons = {
        "in/2-small.png": "shorter side under 24 px",
        "in/3-large.png": "more than 1 megapixels",
        "in/4.jpg": "not a JPEG, PNG",
        "in/5-cut.png": "damaged picture",
        "in/6-clip.mp4": "damaged clip",
        "in/7-long.png": "larger than 1 MB",
        "in/8-gone.png": "No such file or directory",
    }
    for path, reason in reasons.items():
        assert errors[path].startswith(reason), errors[path]
    assert "7 refused (first: in/2-small.png: shorter side under 24 px" in result.stderr


def test_a_pipe_is_refused_and_not_waited_for(call: Call) -> None:
    os.mkfifo("pipe")
    result = call("pipe")
    assert (result.exit_code, result.stdout) == (3, "pipe: refused: not a regular file\n")


def test_without_a_table_each_answer_is_a_line(call: Call) -> None:
    result = call(grey("a.png", 255), grey("b.png", 0))
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()
    assert first.startswith(f"a.png: fake ({p_of(255):.3f}); altered")
    assert second == f"b.png: real ({p_of(0):.3f}); no alteration found (probability of fake {p_of(0):.2f})"


def test_left_to_itself_it_works_on_the_cores_that_it_may_use(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    grey("in/a.png", 255)
    used = list[int]()
    monkeypatch.setattr(cores, "usable_cores", lambda: 3)
    monkeypatch.setattr(
        offline, "ThreadPoolExecutor", lambda workers: used.append(workers) or ThreadPoolExecutor(workers)
    )
    assert call("in").exit_code == 0
    assert call("in", "--workers", "2").exit_code == 0
    assert used == [3, 2]


def test_the_order_is_that_of_the_files_with_any_number_of_threads(call: Call, write_clip: WriteClip) -> None:
    for number in range(70):
        grey(f"in/{number:03}.png", number * 3)
    write_clip("in/035-clip.mp4", [255] * 6)
    tables = []
    for workers in ("1", "5"):
        assert call("in", "--csv", "out.csv", "--workers", workers).exit_code == 0
        tables.append(Path("out.csv").read_bytes())
    assert tables[0] == tables[1]
    paths = [row["path"] for row in rows_of()]
    assert paths == sorted(paths)


def test_its_own_table_in_the_folder_is_not_an_input(call: Call) -> None:
    grey("in/1.png", 255)
    for spelt in ("in/out.csv", "in/out.csv", "in/../in/out.csv"):
        assert call("in", "--csv", spelt).exit_code == 0
        assert [row["path"] for row in rows_of("in/out.csv")] == ["in/1.png"]


def test_a_stopped_run_goes_on(call: Call) -> None:
    for number in range(3):
        grey(f"in/{number}.png", 255 * (number % 2))
    call("in", "--csv", "whole.csv")
    Path("out.csv.part").write_text("".join(Path("whole.csv").read_text().splitlines(keepends=True)[:3]))
    result = call("in", "--csv", "out.csv", "--resume")
    assert "2 files, 1 kept from before" in result.stderr
    assert Path("out.csv").read_bytes() == Path("whole.csv").read_bytes()


def test_a_run_that_goes_on_tells_what_is_still_refused_and_answers_what_no_longer_is(call: Call) -> None:
    for name in ("0", "1", "2"):
        grey(f"in/{name}.png", 255, (12, 12) if name < "2" else (48, 48))
    assert call("in", "--csv", "out.csv").exit_code == 3
    Path("out.csv").rename("out.csv.part")
    with Path("out.csv.part").open("a") as stream:
        stream.write("in/3.png,pict")  # where it broke off
    grey("in/0.png", 255)
    result = call("in", "--csv", "out.csv", "--resume")
    assert result.exit_code == 3
    assert "2 files, 1 kept from before" in result.stderr
    assert [(row["path"], row["level"]) for row in rows_of()] == [
        ("in/2.png", "picture"),
        ("in/0.png", "picture"),
        ("in/1.png", "refused"),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere.png",), "nowhere.png: no such file or folder"),
        (("empty",), "empty: holds no file"),
        (("empty", "--resume"), "name it with --csv"),
        (("empty", "--csv", "empty"), "empty: is a folder; name a CSV file in it, as in --csv empty/answers.csv"),
        (("empty", "--csv", "."), ".: is a folder"),
        (("empty", "--csv", ".."), "..: is a folder"),
        (("empty", "--bundle", "nothing"), "nothing/bundle.json: missing"),
    ],
)
def test_what_can_t_be_done_is_one_line(call: Call, words: tuple[str, ...], said: str) -> None:
    Path("empty").mkdir()
    result = call(*words)
    assert result.exit_code == 1
    assert said in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("name", ["=1+1.png", "-rf.png", "@x.png"])
def test_a_name_is_no_formula_to_a_spreadsheet(call: Call, name: str) -> None:
    grey(f"./{name}", 255)
    assert call("--csv", "out.csv", "--", name).exit_code == 0
    (row,) = rows_of()
    assert row["path"] == f"./{name}"


@pytest.mark.parametrize("name", ["a\rb", "a\nb", "\r", "\n=1+1", "\x1b[2K", "a\r\n,b"])
def test_a_name_with_control_characters_is_one_row_that_goes_on(call: Call, name: str) -> None:
    grey(f"in/{name}.png", 255)
    grey("in/z.png", 0)
    assert call("in", "--csv", "out.csv").exit_code == 0
    whole = Path("out.csv").read_bytes()
    assert len(whole.splitlines()) == len(rows_of()) + 1 == 3
    Path("out.csv").rename("out.csv.part")
    assert "1 files, 1 kept from before" in call("in", "--csv", "out.csv", "--resume").stderr
    assert Path("out.csv").read_bytes() == whole


def test_a_name_forges_no_line_of_the_terminal(call: Call) -> None:
    Path(name := "x\r\x1b[2Kreal.png: real\ny.png").write_text("no picture")
    result = call(name)
    assert result.stdout.startswith(r"x\x0d\x1b[2Kreal.png: real\x0ay.png: refused: not a JPEG")
    assert len(result.stdout.splitlines()) == 1
    assert r"(first: x\x0d\x1b[2Kreal.png: real\x0ay.png: not a JPEG" in result.stderr
    assert (
        call("gone\x1b[2K").stderr
        == "predict: error: gone\\x1b[2K: no such file or folder, and no pattern that matches one\n"
    )


def test_a_name_that_is_not_text_has_its_row(call: Call) -> None:
    Path(grey("x.png", 255)).rename(os.fsdecode(b"\xff.png"))
    assert call("*.png", "--csv", "out.csv").exit_code == 0
    assert [row["path"] for row in rows_of()] == ["\\xff.png"]


def test_nothing_heavy_is_imported(call: Call, shared_bundle: Path) -> None:
    grey("a.png", 255)
    program = (
        "import sys; from unmask.cli import app\n"
        "try: app(['predict', 'a.png'])\n"
        "except SystemExit as ended: assert not ended.code\n"
        "print(sorted({'torch', 'pandas', 'sklearn', 'bentoml', 'dvc', 'av'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
