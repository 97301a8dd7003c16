"""A running service takes up promotions and rollbacks without losing, mixing or delaying what it is asked."""

import io
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import httpx
import pytest
from PIL import Image

from unmask.serving.bundle import load_bundle
from unmask.serving.promoted import promote, rollback

pytestmark = pytest.mark.xdist_group("swap")  # the tests share a service and follow each other

CONNECTIONS = 6
BATCH, EVERY = 10, 20  # pictures of every twentieth request: two inferences, between which a model may be swapped
# The picture is white: logit = gain / 2, temperature 2.
KNOWN = {8.0: 0.8808, 4.0: 0.7311}


@dataclass
class Load:
    """Requests from several connections until they are told to stop."""

    url: str
    body: bytes
    answers: list[tuple[str, int, frozenset[float]]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def ask(self) -> None:
        with httpx.Client(base_url=self.url, timeout=30.0) as client:
            for number in count():
                if self.stop.is_set():
                    return
                files = [("images", ("a.png", self.body, "image/png"))] * (1 if number % EVERY else BATCH)
                try:
                    said = client.post("/predict", files=files).raise_for_status().json()
                    judged = [each["judgement"]["probability"] for each in said["answers"]]
                    self.answers.append((said["model_version"], len(judged), frozenset(judged)))
                except (httpx.HTTPError, KeyError, TypeError) as error:
                    self.failures.append(repr(error))

    def kinds(self) -> set[tuple[str, int, frozenset[float]]]:
        """What answers there were: by which version, of how many pictures, with which scores."""
        return set(self.answers)

    def wait_for(self, many: int) -> None:
        """Until that many requests were answered."""
        wait_until(lambda: len(self.answers) >= many or self.failures)


def wait_until(happened: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def of_version(probability: float) -> list[tuple[int, frozenset[float]]]:
    """What a version's answers hold: how many scores, and which."""
    return [(number, frozenset({probability})) for number in (1, BATCH)]


def white() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (48, 48), "white").save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def known(shared_bundle, other_bundle) -> dict[str, float]:
    """The probability that each version gives the picture."""
    return {load_bundle(shared_bundle).version: KNOWN[8.0], load_bundle(other_bundle).version: KNOWN[4.0]}


@dataclass
class Running:
    """A service that follows a state folder."""

    client: httpx.Client
    state: Path
    log: Path
    workers: int

    def answers_with(self, version: str) -> bool:
        """Whether all workers do."""
        return f'unmask_model_info{{version="{version}"}} {self.workers:.1f}' in self.client.get("/metrics").text

    def refusals(self) -> int:
        """How often a worker has refused what is promoted."""
        return self.log.read_text().count("promoted model refused")


@pytest.fixture(scope="module", params=[1, 2], ids=["one worker", "two workers"])
def running(*, request, serve, wait_until_it_answers, project, shared_bundle, tmp_path_factory):
    """A service with the first bundle promoted."""
    state = tmp_path_factory.mktemp("state")
    promote(shared_bundle, state, "first")
    environment = {
        "UNMASK_SERVING_STATE": str(state),
        "UNMASK_SERVING_WORKERS": str(request.param),
        "UNMASK_SERVING_POLL_S": "0.2",
    }
    with serve(".", cwd=project, environment=environment) as (process, client, log):
        wait_until_it_answers(process, client)
        service = Running(client, state, log, request.param)
        wait_until(lambda: service.answers_with(load_bundle(shared_bundle).version))
        yield service


@pytest.fixture
def load(running) -> Iterator[Load]:
    load = Load(str(running.client.base_url), white())
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        asking = [pool.submit(load.ask) for _ in range(CONNECTIONS)]
        try:
            yield load
        finally:
            load.stop.set()
        for each in asking:
            each.result()


def test_no_request_is_lost_or_mixed_across_a_promotion_and_a_rollback(running, load, known, other_bundle):
    first, second = known
    load.wait_for(700)
    promote(other_bundle, running.state, "second")
    wait_until(lambda: running.answers_with(second))
    load.wait_for(1400)
    rollback(running.state)
    wait_until(lambda: running.answers_with(first))
    load.wait_for(max(2000, len(load.answers) + 200))
    load.stop.set()
    assert load.failures == []
    assert len(load.answers) >= 2000
    # Both versions, alone and in batches, each with its own score and no other.
    assert load.kinds() == {(version, *kind) for version in known for kind in of_version(known[version])}


def flip_a_bit(folder: Path) -> None:
    model = bytearray((folder / "model.onnx").read_bytes())
    model[len(model) // 2] ^= 1
    (folder / "model.onnx").write_bytes(model)


def change_a_score(folder: Path) -> None:
    described = json.loads((folder / "bundle.json").read_text())
    described["self_test"][0]["logit"] += 1.0
    (folder / "bundle.json").write_text(json.dumps(described))


def change_the_schema(folder: Path) -> None:
    described = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps(described | {"schema": 1}))


def point_to(version: str, state: Path, *, reason: str) -> None:
    """Replace the pointer as a promotion does, without the checks that it makes."""
    pointer = {"version": version, "bundle": f"bundles/{version}", "time": "", "reason": reason, "before": []}
    (state / "new.json").write_text(json.dumps(pointer))
    (state / "new.json").replace(state / "promoted.json")


@pytest.mark.parametrize(
    ("corrupt", "said"),
    [
        (flip_a_bit, "model.onnx: changed since it was packaged"),
        (change_a_score, "self-test picture 1 scores"),
        (change_the_schema, "bundle.json: schema 1 instead of"),
    ],
)
def test_a_corrupted_bundle_is_refused_under_load_and_the_old_one_goes_on(
    *, running, load, known, other_bundle, corrupt, said
):
    first, second = known
    stored = running.state / "bundles" / second
    shutil.rmtree(stored, ignore_errors=True)
    shutil.copytree(other_bundle, stored)
    corrupt(stored)
    load.wait_for(50)
    before = running.refusals()
    point_to(second, running.state, reason=corrupt.__name__)
    wait_until(lambda: running.refusals() == before + running.workers)
    load.wait_for(len(load.answers) + 200)
    time.sleep(1.0)  # five looks at the same pointer
    load.stop.set()
    assert running.refusals() == before + running.workers
    assert load.failures == []
    assert load.kinds() == {(first, *kind) for kind in of_version(known[first])}
    swap = running.client.get("/model")
    assert swap.json()["swap"]["refused"] == f"version {second} was refused; the service's log says why"
    assert said in running.log.read_text()
    assert str(running.state) not in swap.text


def test_what_is_refused_is_taken_up_when_it_is_promoted_whole(running, known, other_bundle):
    _, second = known
    promote(other_bundle, running.state, "whole")
    wait_until(lambda: running.answers_with(second))
    assert running.client.get("/model").json()["swap"]["refused"] is None
