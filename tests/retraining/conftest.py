import shutil
from pathlib import Path

import pytest

from tests.standin import StandIn, make_project


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Path:
    """A committed project, to be copied."""
    return make_project(tmp_path_factory.mktemp("template"), project)


@pytest.fixture
def standin(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A project of one's own."""
    root = shutil.copytree(template, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(root)
    return StandIn(root)
