import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import httpx
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from scipy import ndimage
from starlette.testclient import TestClient

from tests.conftest import module_of_extra
from unmask.config import Encoder, Labels, Preprocess, TextTower
from unmask.data.faces import Face
from unmask.data.preprocess import PreprocessSpec, crop
from unmask.labels.graph import graph_by_name
from unmask.models.detector import Detector, create_detector, detector_spec
from unmask.service_settings import Serving, load_serving
from unmask.serving import faces
from unmask.serving.app import create_app
from unmask.serving.build import describe, draw_pictures, folder_in_place, score_pictures
from unmask.serving.bundle import SCHEMA, Bundle, Calibration, DataIdentity, Graph, Precision, Preprocessing
from unmask.serving.engine import Engine
from unmask.serving.guard.tokens import Tokens
from unmask.serving.verdict import Thresholds

SIZE, WINDOW, SMALLEST = 32, 40, 24
GAIN = 8.0
MARGIN = 0.25  # of a face, on each side
DECODED = {"max_megapixels": 1.0, "max_megabytes": 1.0, "max_clip_megabytes": 4.0, "clip_frames": 4}
CLIP_SIDE = 48
LIGHT = 80  # grey levels above it are a face to the drawn detector
DEADLINE = 60.0  # seconds a server may take to start or to stop


def _model(gain: float) -> onnx.ModelProto:
    """An ONNX detector that anyone can check by hand: logit = gain * (mean of the crop / 255 - 0.5)."""
    labels = len(graph_by_name("ffpp").names)
    constants = {
        "axes_image": np.array([1, 2, 3], np.int64),
        "axes_space": np.array([1, 2], np.int64),
        "axis_label": np.array([1], np.int64),
        "axis_colour": np.array([3], np.int64),
        "half": np.array(127.5, np.float32),
        "gain": np.array(gain / 255, np.float32),
        "ones": np.ones(labels, np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes_image"], ["mean"], keepdims=0),
        helper.make_node("Sub", ["mean", "half"], ["above"]),
        helper.make_node("Mul", ["above", "gain"], ["logit"]),
        helper.make_node("Unsqueeze", ["logit", "axis_label"], ["column"]),
        helper.make_node("Mul", ["column", "ones"], ["scores"]),
        helper.make_node("Sigmoid", ["scores"], ["marginals"]),
        helper.make_node("ReduceMean", ["pixels", "axes_space"], ["embedding"], keepdims=0),
        helper.make_node("ReduceMean", ["pixels", "axis_colour"], ["map"], keepdims=0),
    ]
    shapes = {"logit": ["N"], "scores": ["N", labels], "marginals": ["N", labels], "embedding": ["N", 3]}
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    outputs.append(helper.make_tensor_value_info("map", TensorProto.FLOAT, ["N", SIZE, SIZE]))
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", SIZE, SIZE, 3])
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "detector", [image], outputs, initializer=weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def _bundle(gain: float) -> Bundle:
    spec = PreprocessSpec(SIZE, WINDOW, shrink=True)
    pictures = draw_pictures(4, smallest=SMALLEST, largest=56, seed=1)
    logits = [gain * (float(crop(picture, spec).mean()) / 255 - 0.5) for picture in pictures]
    return Bundle(
        schema=SCHEMA,
        version="",
        candidate="student",
        revision="0" * 40,
        preprocessing=Preprocessing(SIZE, WINDOW, shrink=True, max_side_px=64, min_side_px=SMALLEST),
        graph=Graph("ffpp", allow_bare_root=True, labels=list(graph_by_name("ffpp").names)),
        prompts=["a photograph"],
        precision=Precision("float32", "float32, because package.int8 is never", {}),
        calibration=Calibration(2.0, Thresholds(0.8, 0.3, 0.02, 0.05, 249, 198), 0.04, 0.08, []),
        metrics={"auc": {"value": 0.9, "low": 0.85, "high": 0.94, "n_real": 240, "n_fake": 200}},
        data=DataIdentity("d41d8cd98f00b204e9800998ecf8427e.dir", ["sample"], "drawn"),
        params={
            "method": "full",
            "assemble": {**DECODED, "faces": {"margin": MARGIN}},
            "evaluate": {"confidence": 0.9},
        },
        self_test=score_pictures(pictures, logits),
        files={},
    )


def write_bundle(folder: Path, *, gain: float = GAIN) -> None:
    with folder_in_place(folder) as fresh:
        onnx.save(_model(gain), fresh / "model.onnx")
        (fresh / "model.safetensors").write_bytes(b"weights")
        describe(fresh, _bundle(gain))


@pytest.fixture
def bundle_folder(tmp_path: Path) -> Path:
    """A whole bundle around the hand-made model, to be spoilt."""
    write_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture(scope="session")
def shared_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole bundle around the hand-made model, to be left as it is."""
    folder = tmp_path_factory.mktemp("shared") / "bundle"
    write_bundle(folder)
    return folder


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole bundle of another version, whose log-odds are half as large."""
    folder = tmp_path_factory.mktemp("other") / "bundle"
    write_bundle(folder, gain=GAIN / 2)
    return folder


@pytest.fixture(scope="session")
def tiny_detector() -> Detector:
    """A joint-embedding detector of the smallest kind, untrained."""
    torch.manual_seed(0)
    spec = detector_spec(
        encoder=Encoder(name="test_resnet", args={"channels": [8, 8, 8, 8]}, front="residual", weights="none"),
        head="joint",
        labels=Labels(graph="ffpp", allow_bare_root=True),
        attributes=True,
        text=TextTower(name="tiny", width=64, layers=1, weights="none"),
        preprocess=Preprocess(size_px=SIZE, window_px=WINDOW, shrink=True),
    )
    return create_detector(spec).eval()


Served = tuple[subprocess.Popen, httpx.Client, Path]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., contextlib.AbstractContextManager[Served]]:
    """A context manager that runs `bentoml serve TARGET` on a free port: the process, a client of it, and its log.

    SETTINGS are variables of its environment.
    """

    @contextlib.contextmanager
    def run(
        target: str, *, cwd: Path, bundle: Path | None = None, environment: Mapping[str, str] = MappingProxyType({})
    ) -> Iterator[Served]:
        home = tmp_path_factory.mktemp("bentoml")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        settings = {"BENTOML_HOME": str(home), "UNMASK_SERVING_STATE": str(home / "state")}
        settings |= {"UNMASK_BUNDLE": str(bundle)} if bundle else {}
        with (home / "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "bentoml", "serve", target, "--port", str(port)],
                cwd=cwd,
                env=os.environ | settings | environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE) as client:
                yield process, client, home / "log"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=DEADLINE)

    return run


@pytest.fixture(scope="session")
def wait_until_it_answers() -> Callable[[subprocess.Popen, httpx.Client], None]:
    """A function that returns when a server is ready, and fails when it ends or takes too long."""

    def wait(process: subprocess.Popen, client: httpx.Client) -> None:
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                client.get("/readyz").raise_for_status()
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
        pytest.fail("bentoml serve did not answer")

    return wait


@pytest.fixture
def serving(project: Path, tmp_path: Path) -> Serving:
    """The service's settings in params.yaml, with a state folder of its own."""
    return dataclasses.replace(load_serving(project / "params.yaml", {}), state=str(tmp_path / "state"))


class DrawnFaces:
    """A detector whose faces are the light squares; it fails on a picture whose corner is of grey 13."""

    def __init__(self) -> None:
        self.creator, self.users = threading.current_thread().name, set[str]()

    def detect(self, image: Image.Image) -> list[Face]:
        self.users.add(threading.current_thread().name)
        assert image.getpixel((0, 0)) != (13, 13, 13)
        grey = np.asarray(image.convert("L"))
        places, _ = ndimage.label(grey > LIGHT)
        boxes = [(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(places)]
        return [Face(tuple(map(float, box)), 0.75, None) for box in boxes if box[2] - box[0] > 5]


@pytest.fixture
def detector(monkeypatch: pytest.MonkeyPatch) -> list[DrawnFaces]:
    """Detectors that the service makes, in the place of mediapipe's."""
    made: list[DrawnFaces] = []
    monkeypatch.setattr(faces, "create_detector", lambda _: made.append(DrawnFaces()) or made[-1])
    return made


@pytest.fixture(scope="session")
def write_clip() -> Callable[[str, Sequence[int]], str]:
    """A function that writes a clip of plain grey frames, ten a second, and gives its name back."""
    av = module_of_extra("av", "clips")

    def write(path: str, levels: Sequence[int]) -> str:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with av.open(path, "w") as container:
            stream = container.add_stream("mpeg4", rate=10)
            stream.width = stream.height = CLIP_SIDE
            stream.pix_fmt = "yuv420p"
            for level in levels:
                frame = av.VideoFrame.from_ndarray(np.full((CLIP_SIDE, CLIP_SIDE, 3), level, np.uint8), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write


@pytest.fixture(scope="session")
def in_process(
    project: Path, shared_bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., contextlib.AbstractContextManager[TestClient]]:
    """A context manager: a client of the application in this process, with other limits or settings or tokens."""

    @contextlib.contextmanager
    def run(
        settings: Serving | None = None,
        *,
        tokens: str | None = None,
        limits: Mapping[str, float] = {},
        **changed: object,
    ) -> Iterator[TestClient]:
        if settings is None:
            settings = load_serving(project / "params.yaml", {})
            settings.state = str(tmp_path_factory.mktemp("state"))
        settings = replace(settings, limits=replace(settings.limits, **limits), **changed)
        app = create_app(settings, Tokens(environment={"UNMASK_TOKENS": tokens} if tokens else {}))
        app.state.engine = Engine(settings, shared_bundle)
        try:
            with TestClient(app, raise_server_exceptions=False) as client:
                yield client
        finally:
            app.state.engine.close()

    return run


@pytest.fixture
def asked(
    serving: Serving, in_process: Callable[[Serving], contextlib.AbstractContextManager[TestClient]]
) -> Iterator[TestClient]:
    """A client of the application in this process."""
    with in_process(serving) as client:
        yield client
