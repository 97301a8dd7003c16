"""A stored crop has one probability in evaluation, for `unmask predict`, in the service and in the Bento."""

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pandas as pd
import pytest
from starlette.testclient import TestClient

from benchmarks.serve.server import running
from tests.conftest import unavailable
from unmask.data.manifest import read_manifest
from unmask.data.shards import ShardReader
from unmask.service_settings import load_serving
from unmask.serving.app import create_app
from unmask.serving.engine import Engine

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(600)]

CLOSE = 1e-4
A_REQUEST = 32  # pictures


@pytest.fixture(scope="module")
def crops(reproduced, tmp_path_factory) -> dict[Path, float]:
    """PNG files of the test crops as the data set stores them, and what evaluation found of each."""
    build, folder = reproduced.root / "build", tmp_path_factory.mktemp("crops")
    scored = pd.read_parquet(build / "evaluation/predictions.parquet")
    scored = scored[scored["candidate"] == "student"].set_index("image_id")["p_fake"]
    rows = read_manifest(build / "dataset/manifest.parquet", columns=["image_id", "key", "split"])
    reader, found = ShardReader(build / "dataset"), {}
    for row in rows[rows["split"] == "test"].itertuples():
        path = folder / f"{row.image_id}.png"
        path.write_bytes(reader.read(row.key))
        found[path] = float(scored[row.image_id])
    assert len(found) > A_REQUEST
    return found


@pytest.fixture(scope="module")
def in_process(reproduced, tmp_path_factory) -> Iterator[TestClient]:
    """The service's application with the packaged model."""
    environment = {"UNMASK_SERVING_STATE": str(tmp_path_factory.mktemp("state"))}
    settings = load_serving(reproduced.root / "params.yaml", environment)
    app = create_app(settings)
    app.state.engine = Engine(settings, reproduced.root / "build/package/bundle")
    with TestClient(app) as client:
        yield client
    app.state.engine.close()


def predicted(client: httpx.Client, paths: Sequence[Path]) -> list[float]:
    said: list[float] = []
    for start in range(0, len(paths), A_REQUEST):
        files = [("images", (path.name, path.read_bytes())) for path in paths[start : start + A_REQUEST]]
        answers = client.post("/predict", files=files).raise_for_status().json()["answers"]
        said += [answer["judgement"]["probability"] for answer in answers]
    return said


def test_unmask_predict_says_what_evaluation_found(reproduced, crops, tmp_path):
    reproduced.run("unmask", "predict", str(next(iter(crops)).parent), "--csv", str(tmp_path / "answers.csv"))
    answers = pd.read_csv(tmp_path / "answers.csv").set_index("path")["p_fake"]
    assert {str(path): found for path, found in crops.items()} == pytest.approx(answers.to_dict(), abs=CLOSE)


def test_predict_says_what_evaluation_found(in_process, crops):
    assert predicted(in_process, list(crops)) == pytest.approx(list(crops.values()), abs=CLOSE)


def test_explain_says_what_evaluation_found(in_process, crops):
    for path, found in list(crops.items())[:8]:
        answer = in_process.post("/explain", files={"image": (path.name, path.read_bytes())}).raise_for_status()
        assert answer.json()["judgement"]["probability"] == pytest.approx(found, abs=CLOSE)


@pytest.fixture(scope="module")
def bento(reproduced, tmp_path_factory) -> Path:
    """The Bento of the run, unpacked."""
    folder = tmp_path_factory.mktemp("bento")
    with tarfile.open(reproduced.root / "build/package/unmask.bento") as archive:
        # Python has the filter from 3.11.4 on.
        harmless = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder, **harmless)  # noqa: S202  (written by this very run)
    return folder


@pytest.fixture(scope="module")
def bare_python(bento, tmp_path_factory) -> Path:
    """The interpreter of a new environment that holds what the Bento asks for and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    uv = Path(sys.executable).with_name("uv")
    if not uv.is_file():
        unavailable(f"{uv}: not there; `make setup` installs it")
    python, wanted = folder / "bin/python", bento / "env/python/requirements.txt"
    # From uv's cache, which `make setup` has filled, so that no test needs a network.
    for words in (("venv", "--python", sys.executable, folder), ("pip", "install", "--python", python, "-r", wanted)):
        done = subprocess.run(
            [uv, "--offline", "--no-config", *words], cwd=bento, capture_output=True, text=True, check=False
        )
        if done.returncode:
            unavailable(f"uv can't fill an environment from its cache: {done.stderr.strip().splitlines()[-1]}")
    return python


def test_the_bento_says_it_too_where_only_its_own_packages_are(bento, bare_python, crops, tmp_path):
    alone = dict.fromkeys(("PYTHONPATH", "UNMASK_BUNDLE"), "")
    look = "import importlib.util as u; print([n for n in ('torch', 'pandas', 'unmask', 'av') if u.find_spec(n)])"
    found = subprocess.check_output([bare_python, "-c", look], cwd=tmp_path, env={**os.environ, **alone}, text=True)
    assert found.strip() == "[]"
    command = (str(bare_python), "-m", "bentoml", "serve", str(bento), "--port", "{port}")
    environment = {**alone, "BENTOML_HOME": str(tmp_path / "bentoml"), "UNMASK_SERVING_STATE": str(tmp_path / "state")}
    with (
        running(command, environment=environment, log=tmp_path / "log", cwd=tmp_path) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60.0) as client,
    ):
        assert predicted(client, list(crops)) == pytest.approx(list(crops.values()), abs=CLOSE)
        clip = client.post("/predict_clip", files={"clip": ("a.mp4", b"\0\0\0\x18ftypmp42" + bytes(99))})
    assert clip.status_code == 501
    assert "clips" in clip.json()["error"]
