"""The served schedule against a real server: nothing else notices a SQLAlchemy that breaks Prefect's scheduler."""

import os
import shutil
import signal
import subprocess
import sys

import httpx
import pytest


@pytest.fixture(scope="session")
def served(prefect_api, tiny_template, tmp_path_factory, wait_for):
    """The deployment of a running `python -m flows.deployments`."""
    folder = tmp_path_factory.mktemp("served")
    log = (folder / "log.txt").open("w")
    # A copy: the runs it carries out would leave their results in every later copy of the template.
    root = shutil.copytree(tiny_template, folder / "repo")
    command = [sys.executable, "-m", "flows.deployments", "--cron", "0 3 * * *", "--timezone", "Europe/Berlin"]
    environment = {**os.environ, "PREFECT_API_URL": prefect_api, "PREFECT_RUNNER_POLL_FREQUENCY": "1"}
    process = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log, start_new_session=True)

    def deployment():
        answer = httpx.get(f"{prefect_api}/deployments/name/retrain/scheduled")
        return answer.json() if answer.is_success else None

    try:
        yield wait_for(deployment, what=f"deployment ({log.name})")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
        log.close()


def test_the_schedule_creates_runs(served, prefect_api, wait_for):
    query = {
        "deployments": {"id": {"any_": [served["id"]]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    runs = wait_for(
        lambda: httpx.post(f"{prefect_api}/flow_runs/filter", json=query).json(), what="scheduled run", seconds=90
    )
    assert runs[0]["auto_scheduled"]


def test_one_run_at_a_time_and_a_schedule_that_outlives_the_process(served):
    assert served["global_concurrency_limit"]["limit"] == 1
    assert [each["schedule"]["cron"] for each in served["schedules"]] == ["0 3 * * *"]
    assert not served["paused"]


def test_the_serving_process_carries_a_run_out(served, prefect_api, wait_for):
    """Asked for at once instead of waiting for the night."""

    def asked():
        # Refused while SQLite is busy with another writer.
        answer = httpx.post(f"{prefect_api}/deployments/{served['id']}/create_flow_run", json={})
        return answer.json() if answer.is_success else None

    run = wait_for(asked, what="run accepted")

    def finished():
        state = httpx.get(f"{prefect_api}/flow_runs/{run['id']}").json()["state"]
        return state if state["type"] in {"COMPLETED", "FAILED", "CRASHED"} else None

    assert wait_for(finished, what="end of the run", seconds=90)["type"] == "COMPLETED"
