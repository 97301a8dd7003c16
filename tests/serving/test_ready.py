"""A real service is ready when it can answer, and ends with one line where it never could."""

import contextlib
import io
import json
import time

import httpx
import pytest
from PIL import Image

from tests.serving.test_observer import EVER
from unmask.serving.bundle import load_bundle
from unmask.serving.promoted import promote, read_pointer
from unmask.serving.traffic import read_traffic


def white():
    stream = io.BytesIO()
    Image.new("RGB", (48, 48), "white").save(stream, "PNG")
    return stream.getvalue()


def ask(client):
    return client.post(
        "/predict", files=[("images", ("my holiday.png", white(), "image/png"))], params={"token": "xyz"}
    )


def first_ready(process, client):
    """The first answer of /readyz that there is."""
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            return client.get("/readyz")
        time.sleep(0.02)
    return pytest.fail("there was none")


def test_the_first_that_can_be_asked_is_answered_and_the_last_is_logged(serve, project, shared_bundle, tmp_path):
    promote(shared_bundle, tmp_path, "")
    environment = {"UNMASK_SERVING_STATE": str(tmp_path)}
    with serve(".", cwd=project, environment=environment) as (process, client, log):
        assert first_ready(process, client).status_code == 200
        answer = ask(client)
        assert answer.json()["answers"][0]["judgement"]["probability"] == 0.8808
        assert client.get("/livez").status_code == 200
    # It has ended: what waited was written.
    [row] = read_traffic(tmp_path, *EVER)
    assert row.id == answer.json()["answers"][0]["id"]
    assert row.quality.picture_width == 48
    requests = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert [(line["route"], line["verdicts"]) for line in requests] == [("/predict", {"fake": 1})]
    assert requests[0]["request_id"] == answer.json()["request_id"]
    assert not [word for word in ("holiday", "xyz", "scheme=") if word in log.read_text()]


def test_a_promoted_bundle_that_was_damaged_does_not_keep_the_service_down(
    serve, project, shared_bundle, other_bundle, tmp_path
):
    promote(other_bundle, tmp_path, "")
    promote(shared_bundle, tmp_path, "")
    (tmp_path / read_pointer(tmp_path).bundle / "model.onnx").write_bytes(b"rotten")
    with serve(".", cwd=project, environment={"UNMASK_SERVING_STATE": str(tmp_path)}) as (process, client, _):
        assert first_ready(process, client).status_code == 200
        said = client.get("/model").json()
    assert said["model_version"] == load_bundle(other_bundle).version
    assert "model.onnx: changed since it was packaged" in said["swap"]["refused"]


def test_a_bundle_that_scores_otherwise_ends_the_program_with_one_line(serve, project, bundle_folder):
    described = json.loads((bundle_folder / "bundle.json").read_text())
    described["self_test"][0]["logit"] += 1.0
    (bundle_folder / "bundle.json").write_text(json.dumps(described))
    with serve(".", cwd=project, bundle=bundle_folder) as (process, _, log):
        assert process.wait(timeout=60) == 1
    said = log.read_text()
    assert said.strip().splitlines()[-1].startswith(f"unmask: {bundle_folder}: self-test picture 1 scores")
    assert "Traceback" not in said
