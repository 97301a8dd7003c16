import json
import os
import signal
import subprocess
import sys

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.retrain import retrain

METRICS = {"student": {"auc_seen": {"value": 0.95, "low": 0.9, "high": 0.99, "n_real": 40, "n_fake": 50}}}


@pytest.fixture
def flow_run(prefect_api, tiny):
    """The final state of `retrain` in the tiny repository, against the real server."""

    def run(**parameters):
        with temporary_settings({PREFECT_API_URL: prefect_api}):
            return retrain(**parameters, return_state=True)

    return run


@pytest.fixture
def by_hand(tiny, project):
    """`python -m flows.retrain` in the tiny repository; without a server unless one is given."""

    def start(*words: str, **environment: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "flows.retrain", *words]
        environment = {**os.environ, "PREFECT_HOME": str(tiny.root / ".prefect"), **environment}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.Popen(command, cwd=tiny.root, env=environment, start_new_session=True, **pipes)

    return start


def test_a_flow_run_brings_the_pipeline_up_to_date(flow_run, tiny):
    assert flow_run().is_completed()
    assert (tiny.root / "build/done.txt").is_file()


def test_each_line_of_dvc_is_in_the_runs_log(flow_run, prefect_api, wait_for):
    state = flow_run()
    query = {"logs": {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}}

    def logged() -> bool:
        records = httpx.post(f"{prefect_api}/logs/filter", json=query).json()
        return any(record["message"] == "hello from the stage" for record in records)

    wait_for(logged, what="line in the log")


def test_a_failed_stage_is_a_failed_run_that_says_why(flow_run, tiny):
    tiny.set_mode("fail")
    state = flow_run()
    assert state.is_failed()
    assert "hello: error: mode.txt asks for a failure" in state.message


def test_the_headline_becomes_an_artifact(flow_run, tiny, prefect_api):
    (tiny.root / "build").mkdir()
    (tiny.root / "build/metrics.json").write_text(json.dumps(METRICS))
    assert flow_run(reason="a test").is_completed()
    artifact = httpx.get(f"{prefect_api}/artifacts/headline/latest").json()
    assert "a test" in artifact["description"]
    assert "0.950  (0.900 to 0.990; 40 real, 50 fake)" in artifact["data"]


def test_by_hand_it_needs_no_server(by_hand, tiny):
    run = by_hand()
    printed, _ = run.communicate(timeout=110)
    assert run.returncode == 0, printed
    assert "retrain: the pipeline is up to date" in printed.splitlines()
    assert "hello from the stage" in printed


def test_by_hand_a_failure_is_one_line_and_no_traceback(by_hand, tiny, prefect_api):
    tiny.set_mode("fail")
    run = by_hand(PREFECT_API_URL=prefect_api)
    printed, _ = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "hello: error: mode.txt asks for a failure" in printed.strip().splitlines()[-1]
    assert "Traceback" not in printed


def test_help_says_what_it_does(by_hand):
    printed, _ = by_hand("--help").communicate(timeout=60)
    assert "--target" in printed


def test_a_terminated_run_takes_its_training_with_it(by_hand, tiny, prefect_api):
    tiny.set_mode("hang")
    run = by_hand(PREFECT_API_URL=prefect_api)
    group = next(int(line.split()[-1]) for line in run.stdout if "hanging in group" in line)
    run.send_signal(signal.SIGTERM)
    printed, _ = run.communicate(timeout=60)
    assert run.returncode != 0
    assert "Traceback" not in printed
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)
    tiny.set_mode("work")
    assert tiny.repro().returncode == 0
