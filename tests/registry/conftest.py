import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.serving.conftest import write_bundle
from unmask.git import Identity, git
from unmask.registry.tags import register
from unmask.serving.bundle import load_bundle

BOT = Identity("bot", "bot@example.org")
GAINS = (8.0, 4.0, 2.0)


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three models."""
    folders = [tmp_path_factory.mktemp("bundles") / "bundle" for _ in GAINS]
    for folder, gain in zip(folders, GAINS, strict=True):
        write_bundle(folder, gain=gain)
    return folders


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A git repository with three commits."""
    folder = tmp_path / "project"
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    for number in range(3):
        git(folder, "commit", "--quiet", "--allow-empty", "--message", f"commit {number}", identity=BOT)
    return folder


@pytest.fixture
def registered(root: Path, tmp_path: Path, bundles: list[Path]) -> Callable[[int], list[str]]:
    """Register the first models, whose bundles the state folder keeps; the names of the versions."""

    def some(count: int) -> list[str]:
        names = []
        for number, bundle in enumerate(bundles[:count]):
            model = load_bundle(bundle).version
            keep(bundle, tmp_path / "state")
            commit = git(root, "rev-parse", f"HEAD~{number}")
            names.append(register(root, commit, model=model, reason=f"number {number}", identity=BOT))
        return names

    return some


def keep(bundle: Path, state: Path) -> None:
    """Put a bundle where the registry looks first; these commits have no DVC from which it could come."""
    kept = state / "bundles" / load_bundle(bundle).version
    if not kept.exists():
        shutil.copytree(bundle, kept)
