"""A tiny DVC repository, and one real Prefect server for all tests of this folder."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import httpx
import pytest
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker

T = TypeVar("T")

HELLO = """\
import os, pathlib, sys, time
mode = pathlib.Path("mode.txt").read_text()
print("hello from the stage", flush=True)
if mode == "fail":
    sys.exit("hello: error: mode.txt asks for a failure")
if mode == "hang":
    print("hanging in group", os.getpgid(0), flush=True)
    time.sleep(300)
pathlib.Path("build").mkdir(exist_ok=True)
pathlib.Path("build/done.txt").write_text("done")
"""
DVC_YAML = """\
stages:
  hello:
    cmd: python hello.py
    deps: [hello.py, mode.txt]
    outs: [build/done.txt]
"""


class WaitFor(Protocol):
    def __call__(self, probe: Callable[[], T | None], *, what: str, seconds: float = 60.0) -> T: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep this folder in one worker, so that it starts one server."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("prefect"))


@dataclass(frozen=True)
class TinyRepo:
    """A git and DVC repository with one stage, `hello`, that ends well, fails or hangs."""

    root: Path

    def set_mode(self, mode: str) -> None:
        (self.root / "mode.txt").write_text(mode)

    def repro(self) -> "subprocess.CompletedProcess[str]":
        """What a person would run by hand; unlike the flow it does not wait for a lock."""
        command = [sys.executable, "-m", "dvc", "repro"]
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def tiny_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("template")
    for name, text in {"hello.py": HELLO, "dvc.yaml": DVC_YAML, "mode.txt": "work"}.items():
        (root / name).write_text(text)
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=root, check=True)
    return root


@pytest.fixture
def tiny(tiny_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TinyRepo:
    root = tmp_path / "repo"
    shutil.copytree(tiny_template, root)
    monkeypatch.chdir(root)
    return TinyRepo(root)


@pytest.fixture(scope="session")
def wait_for() -> WaitFor:
    def poll(probe: Callable[[], T | None], *, what: str, seconds: float = 60.0) -> T:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := probe():
                return found
            time.sleep(0.25)
        pytest.fail(f"no {what} within {seconds:.0f} s")

    return poll


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory, wait_for: WaitFor) -> Iterator[str]:
    """The address of a real Prefect server with its own SQLite file and a quick scheduler."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    environment = {**os.environ, "PREFECT_HOME": str(home), "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1"}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port, "--no-ui"]
    api = f"http://127.0.0.1:{port}/api"
    log = (home / "server.log").open("w")
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=home, start_new_session=True)
    try:
        wait_for(lambda: _healthy(api), what=f"Prefect server ({home / 'server.log'})", seconds=180)
        yield api
        for worker in (APILogWorker, EventsWorker):  # else they retry for a minute once the server is gone
            worker.drain_all(timeout=10)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
        log.close()


def _healthy(api: str) -> bool:
    try:
        return httpx.get(f"{api}/health", timeout=5).is_success
    except httpx.TransportError:
        return False
