import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.faults.collection import write_list, write_news
from tests.faults.faults import FAULTS, Fault
from tests.faults.run import Build, Seen, assembled, run_through, settings

COLUMN = "planted fault"


def harm(build: Build) -> dict[str, list[str]]:
    """Plant all faults of the build; the rows harmed by the name of the fault."""
    return {fault.name: fault.build(build) for fault in FAULTS if fault.build is not None}


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Seen:
    """The collection without a fault."""
    root = tmp_path_factory.mktemp("sound")
    write_news(root / "pictures")
    return run_through([root / "pictures"], root, project, lambda build: {})


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Seen:
    """The collection with every fault that goes among the pictures or into the build."""
    root = tmp_path_factory.mktemp("planted")
    write_news(root / "pictures")
    for fault in FAULTS:
        if fault.pictures is not None:
            fault.pictures(root / "pictures")
    write_list(root / "listed", [fault.listed for fault in FAULTS if fault.listed is not None])
    return run_through([root / "pictures", root / "listed"], root, project, harm)


@pytest.fixture
def assembled_with(sound: Seen, tmp_path: Path, project: Path) -> Callable[[Fault], Seen]:
    """What a user sees of assemble over a copy of the sound batch with one fault in it."""

    def run(fault: Fault) -> Seen:
        assert fault.batch is not None
        shutil.copytree(sound.root / "data", tmp_path / "data")
        fault.batch(tmp_path / "data/one")
        return Seen(tmp_path, assembled(tmp_path, settings(project)[0]), pd.DataFrame(), {}, "", pd.DataFrame(), {})

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a fault: found, and by which words, or not found."""
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, [])]
    told = [(report, dict(report.user_properties)) for report in reports]
    lines = {found[COLUMN]: found.get("words", "") for _, found in told if COLUMN in found}
    if lines:
        count = sum(bool(words) for words in lines.values())
        terminalreporter.section(f"planted faults: {count} of {len(lines)} found")
    for name in (fault.name for fault in FAULTS if fault.name in lines):
        verdict = "found    " if lines[name] else "NOT FOUND"
        terminalreporter.write_line(f"{verdict}  {name:<42}{lines[name][:150]}")
