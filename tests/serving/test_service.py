"""The service as it is started: `bentoml serve` at the project's root, in processes of its own."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.serving.drawn import encode, grey
from unmask.serving.bundle import load_bundle
from unmask.serving.offline.predict import predict


@pytest.fixture(scope="module")
def served(serve, wait_until_it_answers, project, shared_bundle):
    """A real `bentoml serve` at the project's root with two workers: its process, a client of it, and its log."""
    with serve(".", cwd=project, bundle=shared_bundle, environment={"UNMASK_SERVING_WORKERS": "2"}) as running:
        wait_until_it_answers(*running[:2])
        yield running


@pytest.fixture
def client(served):
    return served[1]


def ask(client, *bodies):
    return client.post("/predict", files=[("images", ("a.jpg", body, "image/jpeg")) for body in bodies])


def descendants(pid):
    """Ids of the processes that a process started, and those that they did."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


def test_it_answers_as_unmask_predict_does(client, shared_bundle, tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for number, size in enumerate([(24, 24), (40, 90), (64, 64), (300, 200)]):
        coarse = Image.fromarray(rng.integers(0, 255, (4, 4, 3), dtype=np.uint8))
        paths.append(tmp_path / f"{number}.jpg")
        coarse.resize(size, Image.Resampling.BICUBIC).save(paths[-1])
    rows = []
    predict([str(tmp_path)], bundle=shared_bundle, csv=None, show=rows.append, workers=2)
    answers = ask(client, *(path.read_bytes() for path in paths)).json()["answers"]
    assert [row.path for row in rows] == list(map(str, paths))
    for row, judged in zip(rows, (answer["judgement"] for answer in answers), strict=True):
        assert abs(row.p_fake - judged["probability"]) < 1e-4
        assert (row.verdict, row.sentence) == (judged["verdict"], judged["sentence"])
        assert row.attributes == pytest.approx(judged["attributes"], abs=1e-4)


def test_requests_at_once_do_not_mix(client):
    levels = [level * 16 for level in range(12)]

    def judged(level):
        return ask(client, encode(grey(level))).json()["answers"][0]["judgement"]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(judged, levels))
    assert answers == [judged(level) for level in levels]


def test_every_request_has_an_id_of_its_own(client):
    said = [ask(client, encode(grey(0))) for _ in range(2)]
    assert len({answer.json()["request_id"] for answer in said}) == 2
    assert all(answer.json()["request_id"] == answer.headers["x-request-id"] for answer in said)


def test_the_model_introduces_itself(client, shared_bundle):
    assert client.get("/model").json()["model_version"] == load_bundle(shared_bundle).version


@pytest.mark.parametrize("path", ["/livez", "/healthz", "/readyz"])
def test_it_says_that_it_lives(client, path):
    assert client.get(path).status_code == 200


def test_a_refusal_leaves_no_traceback_in_the_log(served):
    _, client, log = served
    assert ask(client, b"garbage").status_code == 400
    assert "Traceback" not in log.read_text()


def test_two_workers_serve_without_torch_on_the_fast_loop(served):
    workers = [pid for pid in descendants(served[0].pid) if "worker.service" in command_of(pid)]
    assert len(workers) == 2
    for pid in workers:
        mapped = Path(f"/proc/{pid}/maps").read_text()
        assert "uvloop" in mapped
        assert "httptools" in mapped
        assert "libtorch" not in mapped
        # Large pictures' memory goes back to the system.
        assert "MALLOC_MMAP_THRESHOLD_=" in Path(f"/proc/{pid}/environ").read_text()


def command_of(pid):
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_spoilt_bundle_ends_the_program_with_one_line(serve, project, bundle_folder, workers):
    (bundle_folder / "model.onnx").write_bytes(b"spoilt")
    settings = {"UNMASK_SERVING_WORKERS": workers}
    with serve(".", cwd=project, bundle=bundle_folder, environment=settings) as (process, _, log):
        assert process.wait(timeout=60) == 1
    assert log.read_text().strip().splitlines()[-1] == (
        f"unmask: {bundle_folder}/model.onnx: changed since it was packaged (SHA-256 differs); package the model again"
    )
    assert "Traceback" not in log.read_text()


def test_a_wrong_setting_ends_the_program_with_one_line(serve, project, shared_bundle):
    with serve(".", cwd=project, bundle=shared_bundle, environment={"UNMASK_SERVING_FACES": "opencv"}) as (
        process,
        _,
        log,
    ):
        assert process.wait(timeout=60) == 1
    assert (
        log.read_text().strip().splitlines()[-1].startswith("unmask: params.yaml: serving.faces (UNMASK_SERVING_FACES)")
    )
    assert "Traceback" not in log.read_text()
