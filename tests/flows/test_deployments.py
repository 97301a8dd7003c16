"""The served flows against a real server: nothing else notices a SQLAlchemy that breaks Prefect's scheduler."""

import os
import shutil
import signal
import subprocess
import sys

import httpx
import pytest
from prefect.events import emit_event
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.monitor import DRIFT

pytestmark = pytest.mark.timeout(300)
NAMES = ("retrain/scheduled", "monitor/scheduled", "ingest/by-hand")


@pytest.fixture(scope="session")
def served(prefect_api, standin_template, project, tmp_path_factory, wait_for):
    """The deployments of a running `python -m flows.deployments`, by name."""
    folder = tmp_path_factory.mktemp("served")
    root = shutil.copytree(standin_template, folder / "repo", symlinks=True)
    shutil.copytree(project / "flows", root / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(project / ".env.example", root)
    command = [sys.executable, "-m", "flows.deployments", "--cron", "0 3 * * *", "--timezone", "Europe/Berlin"]
    environment = {**os.environ, "PREFECT_API_URL": prefect_api, "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    log = (folder / "log.txt").open("w")
    process = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log, start_new_session=True)

    def found():
        answers = {name: httpx.get(f"{prefect_api}/deployments/name/{name}") for name in NAMES}
        there = all(answer.is_success for answer in answers.values())
        return {name: answer.json() for name, answer in answers.items()} if there else None

    try:
        yield wait_for(found, what=f"deployments ({log.name})", seconds=120)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
        log.close()


def runs_of(api, deployment, **state):
    query = {"deployments": {"id": {"any_": [deployment["id"]]}}}
    if state:
        query["flow_runs"] = {"state": state}
    answer = httpx.post(f"{api}/flow_runs/filter", json=query)
    return answer.json() if answer.is_success else []


@pytest.mark.parametrize("name", NAMES[:2])
def test_a_schedule_creates_runs(served, prefect_api, wait_for, name):
    runs = wait_for(
        lambda: runs_of(prefect_api, served[name], type={"any_": ["SCHEDULED"]}), what="scheduled run", seconds=120
    )
    assert any(run["auto_scheduled"] for run in runs)


def test_one_run_at_a_time_and_schedules_that_outlive_the_process(served):
    assert {each["global_concurrency_limit"]["limit"] for each in served.values()} == {1}
    schedule = served[NAMES[0]]["schedules"][0]["schedule"]
    assert (schedule["cron"], schedule["timezone"]) == ("0 3 * * *", "Europe/Berlin")
    assert not any(each["paused"] for each in served.values())


def test_drift_starts_a_retrain_with_its_reason(served, prefect_api, wait_for):
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        emit_event(DRIFT, resource={"prefect.resource.id": "unmask.model.abc"}, payload={"reason": "drift: a test"})

    def started():
        runs = runs_of(prefect_api, served[NAMES[0]])
        return next((run for run in runs if run["parameters"]["reason"] == "drift: a test"), None)

    run = wait_for(started, what="run with the reason", seconds=120)
    assert run["parameters"]["settings"]["branch"] == "retrain"
    assert run["parameters"]["settings"]["approval"] is False

    def finished():
        state = httpx.get(f"{prefect_api}/flow_runs/{run['id']}").json()["state"]
        return state if state["type"] in {"COMPLETED", "FAILED", "CRASHED"} else None

    assert wait_for(finished, what="end of the run", seconds=150)["type"] == "COMPLETED"
