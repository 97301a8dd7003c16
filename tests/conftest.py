import os
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from shutil import copytree, which
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.standin import StandIn

PROJECT = Path(__file__).parent.parent
REAL_DATA = "UNMASK_REAL_DATA"


def pytest_configure(config: pytest.Config) -> None:
    """Switch usage reports and hub downloads off before a library that reads these at import is imported."""
    lines = (PROJECT / ".env.example").read_text().splitlines()
    os.environ.update(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["HF_HUB_OFFLINE"] = "1"
    home = tempfile.TemporaryDirectory(prefix="unmask-tests-")
    os.environ["PREFECT_HOME"] = home.name
    config.add_cleanup(home.cleanup)


def unavailable(reason: str) -> NoReturn:
    """Skip what needs a program or package that is not here; where CI is set, which must have them all, it fails."""
    if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        pytest.fail(f"{reason}; CI must have it, so that no test is left out there unnoticed", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def module_of_extra(name: str, extra: str) -> ModuleType:
    """A module that comes with an extra of this project."""
    try:
        return import_module(name)
    except ImportError:
        unavailable(f"no module {name}: the extra `{extra}` is not installed")


@pytest.fixture(scope="session")
def project() -> Path:
    return PROJECT


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the shared pictures; tests that ask for it carry the marker `real`."""
    folder = Path(os.environ.get(REAL_DATA) or PROJECT.parent / "shared/data")
    if not (folder / "faces").is_dir():
        pytest.skip(f"{folder / 'faces'} is not there; {REAL_DATA} names the folder that holds faces/")
    return folder


@pytest.fixture(scope="session")
def standin_template(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Path:
    """A committed project whose stages copy what was made before, to be copied."""
    from tests.standin import make_project

    return make_project(tmp_path_factory.mktemp("template"), project)


@pytest.fixture
def standin(standin_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "StandIn":
    """Such a project of one's own, as the current folder."""
    from tests.standin import StandIn

    root = copytree(standin_template, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(root)
    return StandIn(root)


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    """A headless Chromium of the system, whose camera is a drawn one; ended with its module, for it keeps a loop."""
    program = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := which(name))), None
    )
    if not program:
        unavailable("no Chromium on PATH (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    camera = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *camera])
