import os
import sys
import time

import psutil
import pytest

from benchmarks.drill.servers import forget_settings, wait_for_deployments
from benchmarks.serve import server
from unmask.errors import UnmaskError


@pytest.fixture
def variables(monkeypatch):
    """An environment of one's own, which the code may empty."""
    own = {"PATH": "/bin", "DVC_NO_ANALYTICS": "1"}
    monkeypatch.setattr(os, "environ", own)
    return own


def test_nothing_of_a_real_deployment_reaches_the_drill(variables):
    variables |= {"UNMASK_SERVING_STATE": "/srv", "UNMASK_BUNDLE": "/srv/b", "UNMASK_TOKENS": "t"}
    variables |= {"PREFECT_API_URL": "http://production/api", "PREFECT_HOME": "/srv/prefect"}
    forget_settings()
    assert not [name for name in variables if name.startswith(("UNMASK_", "PREFECT_"))]
    assert variables.items() >= {"PATH": "/bin", "DVC_NO_ANALYTICS": "1"}.items()


def test_privacy_switches_stay(variables, project):
    lines = (project / ".env.example").read_text().splitlines()
    switches = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    variables |= switches
    forget_settings()
    assert switches.items() <= variables.items()


LEADER = """
import subprocess, sys, time
stubborn = "from signal import *; signal(SIGTERM, SIG_IGN); print('ready', flush=True); pause()"
child = subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_group_ends_with_all_that_its_leader_started(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "ENDING_S", 0.3)
    log = tmp_path / "log"
    with server.process_group((sys.executable, "-c", LEADER), log=log):
        while not log.read_text().endswith("\n"):
            time.sleep(0.01)
    child = int(log.read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_flows_that_end_at_once_are_not_waited_for(tmp_path):
    log = tmp_path / "log"
    command = (sys.executable, "-c", "raise SystemExit('no such block')")
    with (
        server.process_group(command, log=log) as process,
        pytest.raises(UnmaskError, match="it ended with code 1: no such block"),
    ):
        wait_for_deployments("http://127.0.0.1:1/api", process, log)
