"""The flow around the loop: logs, artifacts, notices, endings. What the loop does is tested in tests/retraining."""

import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.notices import save_webhook, table
from flows.retrain import retrain
from unmask.registry.promotion import champion
from unmask.retraining.settings import RetrainSettings

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(900)]


@pytest.fixture
def receiver():
    """A local address that notices are posted to, and what came."""
    came = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words):
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", came
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def flow_run(prefect_api, standin):
    """The final state of `retrain` in the stand-in project, against the real server."""

    def run(**settings):
        with temporary_settings({PREFECT_API_URL: prefect_api}):
            return retrain("a test", RetrainSettings(**settings), return_state=True)

    return run


@pytest.fixture
def by_hand(standin, project, tmp_path):
    """`python -m flows.retrain` in the stand-in project; without a server unless one is given."""

    def start(*words: str, **environment: str) -> "subprocess.Popen[str]":
        modules = os.pathsep.join([str(project), os.environ.get("PYTHONPATH", "")])
        own = {"PREFECT_HOME": str(tmp_path / "prefect"), "PYTHONPATH": modules}
        own |= {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180"}  # a loaded machine takes long
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        command = [sys.executable, "-m", "flows.retrain", *words]
        return subprocess.Popen(
            command, cwd=standin.root, env={**os.environ, **own, **environment}, start_new_session=True, **pipes
        )

    return start


def artifact(api, key):
    return httpx.get(f"{api}/artifacts/{key}/latest").json()


def test_a_run_has_its_log_its_artifacts_and_a_notice(
    flow_run, standin, prefect_api, receiver, *, wait_for, monkeypatch
):
    url, came = receiver
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        notify = save_webhook("desk", url)
    state = flow_run(notify=notify)
    assert state.is_completed(), state.message
    assert came == [
        {"subject": "retrain: promote", "text": "v1.0.0, model " + came[0]["text"].split()[2] + " is in prod (a test)"}
    ]
    assert "| version | v1.0.0 |" in artifact(prefect_api, "retrain")["data"]
    assert "CARD.md" in artifact(prefect_api, "comparison")["data"]
    query = {"logs": {"flow_run_id": {"any_": [str(state.state_details.flow_run_id)]}}}

    def logged() -> bool:
        records = httpx.post(f"{prefect_api}/logs/filter", json=query).json()
        return any(record["message"].startswith("training in group") for record in records)

    wait_for(logged, what="line of the stage in the log")

    standin.recipe(gate="fail")
    state = flow_run(notify=notify)
    assert state.is_failed()
    assert "validate: error: 1 hard expectation failed" in state.message
    assert came[-1]["subject"] == "retrain failed"

    with monkeypatch.context() as broken:
        broken.setattr("unmask.retraining.run.run_retrain", lambda *_, **__: {}["nothing"])
        assert flow_run(notify=notify).is_failed()
    assert len(came) == 3
    assert "nothing" in came[-1]["text"]

    standin.recipe(gate="pass", quality="worse")
    assert flow_run(notify=notify).is_completed()
    assert came[-1]["subject"] == "retrain: keep"
    assert "| **failed** | better on overall:all, AUC |" in artifact(prefect_api, "comparison")["data"]


@pytest.mark.parametrize("answer", [True, False])
def test_a_person_decides_where_asked(flow_run, standin, prefect_api, wait_for, answer):
    states = []
    thread = threading.Thread(target=lambda: states.append(flow_run(approval=True)))
    thread.start()

    def paused():
        query = {"flow_runs": {"state": {"type": {"any_": ["PAUSED"]}}}}
        found = httpx.post(f"{prefect_api}/flow_runs/filter", json=query)
        return found.json() if found.is_success else None

    run = wait_for(paused, what="paused run", seconds=180)[0]
    assert champion(standin.root) is None
    resumed = httpx.post(f"{prefect_api}/flow_runs/{run['id']}/resume", json={"run_input": {"approve": answer}})
    assert resumed.json()["status"] == "ACCEPT"
    thread.join()
    assert states[0].is_completed()
    assert ("is in prod" if answer else "was not approved") in states[0].message
    assert (champion(standin.root) is not None) == answer


def test_by_hand_it_needs_no_server(by_hand, standin):
    run = by_hand()
    printed, _ = run.communicate()
    assert run.returncode == 0, printed
    # Prefect's own last words may come after ours.
    assert any(line.startswith("retrain: v1.0.0") and "is in prod" in line for line in printed.splitlines()), printed


def test_by_hand_a_failure_is_one_line_and_no_traceback(by_hand, standin, prefect_api):
    standin.recipe(gate="fail")
    run = by_hand(PREFECT_API_URL=prefect_api)
    printed, _ = run.communicate()
    assert run.returncode == 1
    assert "validate: error: 1 hard expectation failed" in printed.strip().splitlines()[-1]
    assert "Traceback" not in printed


def test_a_terminated_run_takes_its_training_with_it(by_hand, standin, prefect_api):
    run = by_hand(PREFECT_API_URL=prefect_api, STANDIN="hang")
    group = next(int(line.split()[-1]) for line in run.stdout if "training in group" in line)
    run.send_signal(signal.SIGTERM)
    printed, _ = run.communicate()
    assert run.returncode != 0
    assert "Traceback" not in printed
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


def test_help_says_what_it_does(by_hand):
    printed, _ = by_hand("--help").communicate()
    assert "--trigger" in printed


def test_bars_do_not_break_a_table():
    assert table(("a",), [["x | y"]]) == ["| a |", "| --- |", "| x \\| y |"]
