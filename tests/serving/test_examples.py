"""What docs/service.md shows is what the service does."""

import dataclasses
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.serve.server import Server, running
from tests.browser.files import clip
from tests.conftest import unavailable
from tests.test_docs import PROJECT, commands_of
from unmask.service_settings import Serving, ServingLimits, load_serving

PAGE = PROJECT / "docs/service.md"
SHOWN = [command for command in commands_of(PAGE) if "curl" in command]
HERE = "http://localhost:3000"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page's reader stands: the files that its commands name."""
    folder = tmp_path_factory.mktemp("reader")
    for name in ("face.jpg", "other.png"):
        Image.new("RGB", (48, 48), "white").save(folder / name)
    (folder / "clip.mp4").write_bytes(clip(range(0, 250, 10)))
    return folder


@pytest.fixture(scope="module")
def server(project, shared_bundle, tmp_path_factory):
    scratch = tmp_path_factory.mktemp("server")
    environment = {
        "UNMASK_BUNDLE": str(shared_bundle),
        "UNMASK_SERVING_STATE": str(scratch / "state"),
        "BENTOML_HOME": str(scratch / "bentoml"),
    }
    command = (sys.executable, "-m", "bentoml", "serve", ".", "--port", "{port}")
    with running(command, environment=environment, log=scratch / "log", cwd=project) as server:
        yield server


def at(server: Server, text: str) -> str:
    return text.replace(HERE, f"http://127.0.0.1:{server.port}")


@pytest.mark.parametrize("command", SHOWN)
def test_a_command_of_the_page_is_answered(server, folder, command):
    if not shutil.which("curl"):
        unavailable("no curl on PATH")
    curl, *words = shlex.split(at(server, command))
    done = subprocess.run(
        [curl, "--silent", "--show-error", "--fail-with-body", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_python_of_the_page_prints_a_verdict(server, folder):
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    said = subprocess.check_output([sys.executable, "-c", at(server, code)], cwd=folder, text=True)
    assert said.split() == ["fake", "0.8808"]


def test_the_environment_comes_before_the_file():
    (shown,) = [command for command in commands_of(PAGE) if command.startswith("UNMASK_SERVING")]
    given = dict(word.split("=") for word in shown.split() if "=" in word)
    settings = load_serving(PROJECT / "params.yaml", given)
    assert (settings.workers, settings.limits.pictures) == (2, 8)


def test_every_setting_is_explained():
    shown = set(re.findall(r"`([a-z_.]+)`", "".join(re.findall(r"^\| `.*? \|", PAGE.read_text(), re.MULTILINE))))
    settings = {field.name for field in dataclasses.fields(Serving)} - {"limits"}
    limits = {f"limits.{field.name}" for field in dataclasses.fields(ServingLimits)}
    assert settings | limits <= shown
