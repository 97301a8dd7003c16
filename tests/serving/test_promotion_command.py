from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from unmask.cli import app
from unmask.serving.promoted import read_pointer


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Path) -> Callable[..., Result]:
    """Run the command line in a folder that has the project's settings and nothing else."""
    (tmp_path / "params.yaml").write_text((project / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(app, list(words))


def test_a_bundle_is_promoted_and_rolled_back_in_the_folder_of_the_settings(call, shared_bundle, other_bundle):
    first = call("promote", str(shared_bundle), "--reason", "the first")
    assert first.exit_code == 0
    version = read_pointer(Path("var")).version
    assert f"promote: {version} is promoted" in first.output
    assert call("promote", str(other_bundle)).exit_code == 0
    back = call("rollback")
    assert back.exit_code == 0
    assert f"rollback: {version} is promoted again (rollback from " in back.output


def test_another_folder_can_be_named(call, shared_bundle, tmp_path):
    assert call("promote", str(shared_bundle), "--state", "elsewhere").exit_code == 0
    assert read_pointer(tmp_path / "elsewhere") is not None
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["promote"], "build/package/bundle/bundle.json: missing; run `dvc repro package`"),
        (["promote", "nowhere"], "nowhere/bundle.json: missing"),
        (["rollback"], "nothing is promoted; run `unmask promote`"),
    ],
)
def test_what_can_not_be_done_is_one_line(call, words, said):
    result = call(*words)
    assert result.exit_code == 1
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1
