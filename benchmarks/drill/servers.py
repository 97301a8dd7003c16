"""The drill's servers, each as a user starts it: the service, Prefect's, and the process that serves the flows."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.drill.stage import Stage
from benchmarks.serve.server import last_line, process_group, running
from unmask.errors import UnmaskError

NEVER = "0 3 29 2 *"  # no retrain comes by its schedule while the drill runs
DEPLOYED = ("retrain/scheduled", "monitor/scheduled")
DEADLINE_S = 240.0
# Of .env.example's privacy switches the one with such a name, and what the drill itself says of an error.
KEPT_VARIABLES = {"PREFECT_SERVER_ANALYTICS_ENABLED", "UNMASK_DEBUG"}


@dataclass(frozen=True)
class Loop:
    """How the flows of the drill are deployed: labels that start a retrain, the monitor's window and schedule."""

    labels: int
    hours: float = 0.1
    monitor_cron: str = "* * * * *"


@contextmanager
def loop_and_service(stage: Stage, loop: Loop, logs: Path, *, webhook: str) -> Iterator[str]:
    """Start all three until the block ends; gives the address of the service.

    Raises:
        UnmaskError: one of them did not come up; the message ends with its last line.
    """
    common = environment(stage.root)
    with ExitStack() as stack:
        prefect = (sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", "{port}")
        home = {"PREFECT_HOME": str(logs / "prefect")}
        log = logs / "prefect.log"
        started = stack.enter_context(
            running(prefect, log=log, environment=common | home, cwd=stage.root, ready="/api/health")
        )
        api = f"http://127.0.0.1:{started.port}/api"
        words = ["--monitor-cron", loop.monitor_cron, "--hours", str(loop.hours), "--feedback", str(loop.labels)]
        words += ["--webhook", webhook, "--cron", NEVER]
        flows = (sys.executable, "-m", "flows.deployments", *words)
        log = logs / "flows.log"
        given = common | home | {"PREFECT_API_URL": api}
        process = stack.enter_context(process_group(flows, log=log, environment=given, cwd=stage.root))
        wait_for_deployments(api, process, log)
        yield stack.enter_context(service(stage.root, logs / "service.log", UNMASK_SERVING_CAPTURE="uncertain"))


@contextmanager
def service(root: Path, log: Path, **settings: str) -> Iterator[str]:
    """`bentoml serve` in ROOT with SETTINGS in its environment, until the block ends; gives its address.

    Raises:
        UnmaskError: it did not come up.
    """
    words = ("serve", "unmask.serving.service:Unmask", "--host", "127.0.0.1", "--port", "{port}")
    own = {"BENTOML_HOME": str(log.with_suffix(".bentoml"))}
    command, given = (sys.executable, "-m", "bentoml", *words), environment(root) | own | settings
    with running(command, log=log, environment=given, cwd=root) as started:
        yield f"http://127.0.0.1:{started.port}"


def forget_settings() -> None:
    """Take out of this process's environment, which all that it starts inherit, what could repoint service or flows."""
    for name in set(os.environ) - KEPT_VARIABLES:
        if name.startswith(("UNMASK_", "PREFECT_")):
            del os.environ[name]


def environment(root: Path) -> dict[str, str]:
    """This interpreter first on PATH and the code of ROOT first among the modules."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    modules = os.pathsep.join(filter(None, [str(root / "src"), str(root), os.environ.get("PYTHONPATH")]))
    return {"PATH": path, "PYTHONPATH": modules, "PYTHONUNBUFFERED": "1"}


def wait_for_deployments(api: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the flows that PROCESS serves are known at API, Prefect's.

    Raises:
        UnmaskError: it ended, or they were not within DEADLINE_S; the message ends with the last line of LOG.
    """
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end and process.poll() is None:
        with suppress(httpx.HTTPError):
            answers = [httpx.get(f"{api}/deployments/name/{name}", timeout=30) for name in DEPLOYED]
            if all(answer.is_success for answer in answers):
                return
        time.sleep(1.0)
    why = f"not within {DEADLINE_S:.0f} s" if process.poll() is None else f"it ended with code {process.returncode}"
    raise UnmaskError(f"the flows were not deployed: {why}: {last_line(log)}")
