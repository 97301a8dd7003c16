import io
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from unmask.serving.bundle import load_bundle

AT_WORK = "from unmask.serving import metrics; metrics.AT_WORK.inc(3); metrics.DROPPED.labels('disk').inc(2); "
RENDER = "from unmask.serving.metrics import render; print(render().decode())"


def read(text):
    """Values by name and label values."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def grey(level):
    stream = io.BytesIO()
    Image.new("RGB", (48, 48), (level, level, level)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def client(serve, wait_until_it_answers, project, shared_bundle):
    """A client of two workers; each of its requests opens a connection, so that both of them work."""
    environment = {"UNMASK_SERVING_WORKERS": "2"}
    with serve(".", cwd=project, bundle=shared_bundle, environment=environment) as (process, client, _):
        wait_until_it_answers(process, client)
        with httpx.Client(base_url=client.base_url, timeout=60, headers={"connection": "close"}) as each_anew:
            yield each_anew


@pytest.fixture
def counts(client):
    """A function: what the counters have grown by since the test began."""

    def now():
        return read(client.get("/metrics").raise_for_status().text)

    def grown(requests):
        """As soon as that many requests to /predict are counted, which happens just after they are answered."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            found = {key: value - before.get(key, 0.0) for key, value in now().items()}
            if found.get(("unmask_requests_total", "/predict", "200")) == requests:
                return found
        pytest.fail(f"not {requests} requests: {found}")

    before = now()
    return grown


def ask(client, *bodies):
    return client.post("/predict", files=[("images", ("a.png", body, "image/png")) for body in bodies])


def test_requests_of_all_workers_are_counted(client, counts):
    bodies = [grey(level) for level in (0, 128, 255, 255)] * 10
    with ThreadPoolExecutor(8) as pool:
        sent = [
            int(answer.request.headers["content-length"]) for answer in pool.map(lambda body: ask(client, body), bodies)
        ]
    found = [counts(40) for _ in range(4)]  # whichever worker is asked
    for one in found:
        assert one["unmask_request_seconds_count", "/predict"] == 40
        assert one["unmask_received_bytes_total", "/predict"] == sum(sent)
        verdicts = {name: one["unmask_predictions_total", "/predict", name] for name in ("real", "fake", "uncertain")}
        assert verdicts == {"real": 10, "fake": 20, "uncertain": 10}
        assert one["unmask_probability_count",] == 40
        assert one["unmask_probability_bucket", "0.5"] == 10  # 128 is a little above one half
        assert one["unmask_batch_crops_sum",] == 40
        assert one["unmask_pictures_at_work",] == 0


def test_the_version_is_that_of_every_worker(client, shared_bundle):
    assert read(client.get("/metrics").text)["unmask_model_info", load_bundle(shared_bundle).version] == 2


def test_refused_pictures_are_counted_and_are_no_predictions(client, counts):
    assert ask(client, grey(0), b"garbage").status_code == 200
    found = counts(1)
    assert found["unmask_pictures_refused_total", "/predict"] == 1
    assert found["unmask_predictions_total", "/predict", "real"] == 1


def test_what_is_asked_for_is_no_label(client):
    for number in range(20):
        client.get(f"/strange-{number}")
        client.request(f"STRANGE{number}", "/predict")
        client.get(f"/predict/strange-{number}", params={"strange": number})
    text = client.get("/metrics").text
    assert "strange" not in text.lower()
    routes = {key[1] for key in read(text) if key[0] == "unmask_requests_total"}
    assert routes <= {"/predict", "/metrics", "/model", "other"}


def test_a_batch_is_counted_with_its_crops(client, counts):
    ask(client, *[grey(9)] * 8)
    found = counts(1)
    assert found["unmask_batch_crops_sum",] == 8
    assert 1 <= found["unmask_batch_crops_count",] <= 8


def test_a_worker_that_was_killed_is_no_longer_at_work(tmp_path):
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def run(code, **options):
        return subprocess.Popen([sys.executable, "-c", code], env=environment, text=True, stdout=-1, **options)

    def rendered():
        return read(run(RENDER).communicate()[0])

    with run(AT_WORK + "print(1, flush=True); input()", stdin=-1) as worker:
        worker.stdout.readline()
        assert rendered()["unmask_pictures_at_work",] == 3
        worker.kill()
    found = rendered()
    assert found["unmask_pictures_at_work",] == 0
    assert found["unmask_traffic_rows_dropped_total", "disk"] == 2  # what happened did happen
