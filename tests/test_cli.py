from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import unmask.config
import unmask.data.sample.build
import unmask.data.sample.plan
import unmask.evaluation.comparison.run
from unmask.cli import app
from unmask.data.audit.growth import read_version, write_version
from unmask.data.batches import list_batches, read_index
from unmask.data.sources.recognise import LAYOUTS
from unmask.evaluation.comparison.compare import Decision
from unmask.files import read_json


@dataclass
class Counts:
    colours: list[str]


def put(path: Path, colour: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), colour).save(path)


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, list(words))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample of plain squares instead of the drawn faces."""

    def draw(out: Path, *, seed: int, batch: int, counts: Counts, workers: int) -> None:
        for number, colour in enumerate(counts.colours):
            put(out / f"sample/real/camera/{batch}-{seed}-{number}.png", colour)

    monkeypatch.setattr(unmask.data.sample.build, "draw_sample", draw)
    monkeypatch.setattr(unmask.data.sample.plan, "FULL", {1: Counts(["red", "blue"]), 2: Counts(["green"])})


@pytest.mark.parametrize(
    ("command", "lesson"),
    [
        ("ingest", "pairs.csv"),
        ("compare", "keep the champion"),
        ("sample", "smoke test"),
        ("forget", "forgotten.txt"),
        ("preset", "encoder.weights"),
        ("monitor", "drift.level"),
        ("predict", "data_hash"),
        ("protocol", "first_seen"),
        ("promote", "without a dropped request"),
        ("rollback", "v2 and a second"),
    ]
    + [("ingest", layout.name) for layout in LAYOUTS],
)
def test_help_teaches(call: Callable[..., Result], command: str, lesson: str) -> None:
    result = call(command, "--help")
    assert result.exit_code == 0
    assert lesson in result.output


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("ingest", "celeb-df "),
        ("ingest", "pairs.csv "),
        ("forget", "unmask "),
        ("predict", "verdict "),
        ("compare", "exit status  0"),
        ("monitor", "<state>/reports/"),
        ("promote", "promotions.jsonl "),
    ],
)
def test_tables_in_the_help_keep_their_lines(call: Callable[..., Result], command: str, line: str) -> None:
    assert any(text.startswith(f"  {line}") for text in call(command, "--help").output.splitlines())


def test_ingest_ends_with_one_summary_line(call: Callable[..., Result], tmp_path: Path) -> None:
    put(tmp_path / "in/desk/real/camera/a.png", "red")
    result = call("ingest", "in", "--batch", "first")
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("ingest: 1 pictures (1 real), 0 known or repeated, 0 quarantined, into data/first (1 shard)")


def test_accept_takes_what_the_gate_saw(call: Callable[..., Result], tmp_path: Path) -> None:
    assert "data.baseline.json" in call("accept", "--help").output
    result = call("accept")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "build/validation/version.json: missing" in result.stderr
    write_version(tmp_path / "build/validation/version.json", {("desk", "real"): 40, ("desk", "fake"): 2})
    result = call("accept")
    assert result.exit_code == 0
    assert "accept: 42 rows of 1 sources accepted" in result.stderr
    assert read_version(tmp_path / "data.baseline.json") == {("desk", "real"): 40, ("desk", "fake"): 2}


def test_an_error_is_one_line_and_a_non_zero_code(call: Callable[..., Result]) -> None:
    result = call("ingest", "nowhere")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("ingest: error: nowhere: not a folder")


def test_the_limits_are_those_of_params(call: Callable[..., Result], tmp_path: Path, project: Path) -> None:
    params = (project / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(params.replace("max_megapixels: 50.0", "max_megapixels: 0.0001"))
    put(tmp_path / "in/desk/real/camera/a.png", "red")
    result = call("ingest", "in")
    assert result.exit_code == 1
    assert "more than 0.0001 megapixels" in result.stderr


def test_a_dry_run_lists_and_writes_nothing(call: Callable[..., Result], tmp_path: Path) -> None:
    put(tmp_path / "in/desk/fake/swap/a.png", "red")
    result = call("ingest", "in", "--dry-run")
    header, row, _ = result.stderr.splitlines()
    assert header.split() == ["source", "label", "generator", "pictures", "clips", "bytes"]
    assert row.split() == ["desk", "fake", "swap", "1", "0", str((tmp_path / "in/desk/fake/swap/a.png").stat().st_size)]
    assert not (tmp_path / "data").exists()


def test_a_layout_can_be_named(call: Callable[..., Result], tmp_path: Path) -> None:
    put(tmp_path / "in/desk/real/camera/a.png", "red")
    result = call("ingest", "in", "--layout", "genimage")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("ingest: error: in: not laid out as genimage; expected <generator>/{train,val}/nature/...")
    assert call("ingest", "in", "--layout", "folders").exit_code == 0


def test_forgetting_says_what_else_to_purge(call: Callable[..., Result], tmp_path: Path) -> None:
    put(tmp_path / "in/desk/real/camera/a.png", "red")
    put(tmp_path / "in/desk/real/camera/b.png", "blue")
    call("ingest", "in", "--batch", "first")
    (tmp_path / "data.dvc").write_text("outs:\n- md5: 0123abc.dir\n  path: data\n")
    asked = call("forget", "--source", "desk", "--path", "real/camera/a.png")
    assert "would forget 1 pictures" in asked.stderr
    assert "0123abc.dir" not in asked.stderr
    done = call("forget", "--source", "desk", "--path", "real/camera/a.png", "--yes")
    assert done.exit_code == 0
    assert "0123abc.dir" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("forget: forgot 1 pictures")
    (batch,) = list_batches(tmp_path / "data")
    assert read_index(batch)["path"].tolist() == ["real/camera/b.png"]


def test_forgetting_everything_by_accident_is_refused(call: Callable[..., Result]) -> None:
    result = call("forget", "--yes")
    assert result.exit_code == 1
    assert "nothing chosen" in result.stderr


@pytest.mark.usefixtures("drawn")
def test_the_sample_becomes_two_batches(call: Callable[..., Result], tmp_path: Path) -> None:
    assert call("sample").exit_code == 0
    batches = list_batches(tmp_path / "data")
    assert [batch.name for batch in batches] == ["sample-1", "sample-2"]
    assert [read_index(batch)["source"].tolist() for batch in batches] == [["sample"] * 2, ["sample"]]


@pytest.mark.usefixtures("drawn")
def test_drawing_the_sample_again_does_nothing(call: Callable[..., Result], tmp_path: Path) -> None:
    call("sample", "--data", "d")
    before = {path: path.read_bytes() for path in (tmp_path / "d").rglob("*.*")}
    again = call("sample", "--data", "d")
    assert again.exit_code == 0
    assert "d/sample-1 is there already; d/sample-2 is there already" in again.stderr
    assert {path: path.read_bytes() for path in (tmp_path / "d").rglob("*.*")} == before


def test_a_preset_says_what_it_changes_and_writes_it(
    call: Callable[..., Result], tmp_path: Path, project: Path
) -> None:
    params = tmp_path / "params.yaml"
    params.write_bytes((project / "params.yaml").read_bytes())
    asked = call("preset", "sagnet-vitl14", "--dry-run")
    assert params.read_bytes() == (project / "params.yaml").read_bytes()
    done = call("preset", "sagnet-vitl14")
    assert asked.stderr.splitlines()[:-1] == done.stderr.splitlines()[:-1]
    assert "teach.trainable: all -> last" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("preset: changed ")
    assert "trainable: last" in params.read_text()


def test_an_unknown_preset_is_one_line(call: Callable[..., Result]) -> None:
    result = call("preset", "vit")
    assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)
    assert "there are sagnet-vitl14, sjedd-vitb32" in result.stderr


def _sides(monkeypatch: pytest.MonkeyPatch, verdict: str) -> None:
    decision = Decision(verdict, "a (student)", "b (student)", "", 100, (), (), ())
    monkeypatch.setattr(unmask.evaluation.comparison.run, "compare_references", lambda *_, **__: decision)
    monkeypatch.setattr(unmask.config, "load_config", lambda _: None)


@pytest.mark.parametrize(("verdict", "status"), [("promote", 0), ("keep", 3)])
def test_a_comparison_says_its_verdict_in_the_exit_status(
    call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, verdict: str, status: int
) -> None:
    _sides(monkeypatch, verdict)
    result = call("compare", "a", "b", "--json", "decision.json")
    assert result.exit_code == status
    assert f"compare: {verdict}" in result.output
    assert read_json(Path("decision.json"))["verdict"] == verdict


def test_a_comparison_of_nothing_is_an_error(call: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes((Path(__file__).parent.parent / "params.yaml").read_bytes())
    (tmp_path / "a").mkdir()
    result = call("compare", "a", "a")
    assert result.exit_code == 1
    assert "predictions.parquet: missing" in result.output
