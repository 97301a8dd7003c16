import dataclasses
import subprocess
from pathlib import Path

import pytest

from unmask.config import load_config
from unmask.errors import DataError
from unmask.evaluation.provenance import data_md5, git_revision, params_sha


def test_the_data_hash_is_the_one_in_the_dvc_file(tmp_path: Path) -> None:
    (tmp_path / "data.dvc").write_text("outs:\n- md5: 0123abc.dir\n  size: 5\n  path: data\n")
    assert data_md5(tmp_path / "data.dvc") == "0123abc.dir"


def test_data_outside_dvc_is_unknown(tmp_path: Path) -> None:
    assert data_md5(tmp_path / "data.dvc") == "unknown"


@pytest.mark.parametrize("text", ["outs: []\n", "a: [\n", "outs:\n- path: data\n", ""])
def test_a_broken_dvc_file_is_an_error_with_a_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "data.dvc").write_text(text)
    with pytest.raises(DataError, match="dvc add data"):
        data_md5(tmp_path / "data.dvc")


def test_only_settings_that_can_change_a_number_enter_their_hash(project: Path) -> None:
    config = load_config(project)
    other_workers = dataclasses.replace(config, scale=dataclasses.replace(config.scale, workers=99))
    assert params_sha(other_workers) == params_sha(config)
    assert params_sha(dataclasses.replace(config, seed=config.seed + 1)) != params_sha(config)


def test_the_revision_names_the_commit_and_says_what_is_not_in_it(tmp_path: Path) -> None:
    assert git_revision(tmp_path) == "unknown"
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "build").mkdir()
    for name in ("a", "dvc.lock", "build/metrics.json"):
        (tmp_path / name).write_text("1")
    for words in (["init", "-q"], ["add", "--all"], [*identity, "commit", "-qm", "one"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    clean = git_revision(tmp_path)
    assert len(clean) == 12
    for name in ("dvc.lock", "build/metrics.json"):
        (tmp_path / name).write_text("what the running pipeline wrote")
    assert git_revision(tmp_path) == clean
    (tmp_path / "a").write_text("2")
    assert git_revision(tmp_path) == f"{clean}+changes"
