from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.scm import Git

from unmask.errors import DataError
from unmask.evaluation.comparison.revisions import evaluation_folder, split_candidate


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A commit whose build/evaluation DVC tracks, and that has changed since."""
    monkeypatch.chdir(tmp_path)
    git = Git.init(str(tmp_path))
    git.close()
    with Repo.init(str(tmp_path)) as repo:
        folder = tmp_path / "build/evaluation"
        folder.mkdir(parents=True)
        (folder / "slices.json").write_text("old")
        repo.add("build/evaluation")
        repo.scm.add([".dvc/config", "build/evaluation.dvc", "build/.gitignore"])
        repo.scm.commit("first")
        (folder / "slices.json").write_text("new")
    return tmp_path


def test_a_folder_is_itself(tmp_path: Path) -> None:
    with evaluation_folder(str(tmp_path), tmp_path) as folder:
        assert folder == tmp_path


def test_a_revision_gives_what_it_had(repository: Path) -> None:
    with evaluation_folder("HEAD", repository) as folder:
        assert (folder / "slices.json").read_text() == "old"
    assert not folder.exists()
    assert (repository / "build/evaluation/slices.json").read_text() == "new"


def test_neither_folder_nor_revision(repository: Path) -> None:
    with (
        pytest.raises(DataError, match="nowhere: neither a folder nor a git revision"),
        evaluation_folder("nowhere", repository),
    ):
        pass


def test_outputs_that_the_cache_lost(repository: Path) -> None:
    for file in (repository / ".dvc/cache").rglob("*"):
        if file.is_file():
            file.unlink()
    with pytest.raises(DataError, match=r"HEAD: .*evaluat"), evaluation_folder("HEAD", repository):
        pass


def test_a_candidate_follows_a_colon(tmp_path: Path) -> None:
    odd = tmp_path / "a:b"
    odd.mkdir()
    assert split_candidate("HEAD~1:teacher") == ("HEAD~1", "teacher")
    assert split_candidate("build/evaluation") == ("build/evaluation", "")
    assert split_candidate(str(odd)) == (str(odd), "")
