from collections.abc import Callable
from pathlib import Path

import pytest

from tests.evaluation.report.folder import add_the_rest, judged, write_evaluation
from unmask.config import Evaluate
from unmask.evaluation.measure import Candidate
from unmask.evaluation.report.page import write_report


@pytest.fixture(scope="session")
def candidates(settings: Evaluate) -> list[Candidate]:
    return judged(settings)


@pytest.fixture(scope="session")
def whole(candidates: list[Candidate], settings: Evaluate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished folder with every optional part, to be left as it is."""
    folder = write_evaluation(tmp_path_factory.mktemp("whole"), candidates, settings)
    add_the_rest(folder, candidates)
    return folder


@pytest.fixture(scope="session")
def least(candidates: list[Candidate], settings: Evaluate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished folder without any optional part, to be left as it is."""
    return write_evaluation(tmp_path_factory.mktemp("least"), candidates, settings)


@pytest.fixture
def page(tmp_path: Path) -> Callable[[Path], str]:
    """The page of a folder as text."""

    def build(folder: Path) -> str:
        write_report(folder, tmp_path / "page.html")
        return (tmp_path / "page.html").read_text()

    return build
