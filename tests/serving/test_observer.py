import contextlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unmask.service_settings import load_serving
from unmask.serving import metrics
from unmask.serving.engine import Outcome
from unmask.serving.observer import PREDICTED, Observer, Predicted
from unmask.serving.picture_quality import Quality
from unmask.serving.reading import Read, View
from unmask.serving.runtime import Runtime
from unmask.serving.traffic import project, read_traffic

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
QUALITY = Quality(0.0, 128 / 255, 96, 96, 90, 921 / 96**2)


@pytest.fixture(scope="module")
def runtime(shared_bundle):
    return Runtime(shared_bundle, threads=1)


@pytest.fixture
def settings(project, tmp_path, monkeypatch):
    monkeypatch.setenv("UNMASK_SERVING_STATE", str(tmp_path))
    return load_serving(project / "params.yaml")


@pytest.fixture
def outcomes(runtime):
    answers = runtime.predict([Image.new("RGB", (48, 48), (level,) * 3) for level in (0, 255)])
    grey = Image.new("RGB", (48, 48), (128,) * 3)
    view = View(runtime.crop(grey), grey)
    judged = [Outcome(answer, read=Read([view], (96, 96), 90, 921), view=view) for answer in answers]
    return [judged[0], Outcome(error="not a picture"), Outcome(), judged[1]]


@pytest.fixture
def predicted():
    token = PREDICTED.set(Predicted())
    yield PREDICTED.get()
    PREDICTED.reset(token)


def record(observer, runtime, outcomes, route="/predict"):
    ids = [f"id-{number}" for number in range(len(outcomes))]
    observer.record(runtime=runtime, route=route, ids=ids, outcomes=outcomes)
    observer.close()


def test_a_prediction_has_a_row_and_a_refused_picture_has_none(settings, runtime, outcomes):
    record(Observer(settings), runtime, outcomes)
    rows = list(read_traffic(Path(settings.state), *EVER))
    assert [row.id for row in rows] == ["id-0", "id-3"]
    answer = outcomes[3].answer
    assert rows[1].probability == pytest.approx(answer.p_fake, abs=1e-6)
    assert rows[1].logit == pytest.approx(answer.logit, abs=1e-5)
    assert (rows[1].verdict, rows[1].route) == ("fake", "/predict")
    assert (rows[1].model_version, rows[1].data_hash) == (runtime.bundle.version, runtime.bundle.data.md5)
    assert rows[1].marginals == pytest.approx(answer.attributes, abs=1e-4)
    assert vars(rows[1].quality) == pytest.approx(vars(QUALITY), abs=1e-4)
    np.testing.assert_allclose(rows[1].embedding, project(answer.embedding), rtol=1e-3, atol=1e-3)


def test_the_log_line_gets_the_sums(settings, runtime, outcomes, predicted):
    record(Observer(settings), runtime, outcomes)
    assert vars(predicted) == {
        "model": runtime.bundle.version,
        "pictures": 4,
        "refused": 1,
        "verdicts": {"real": 1, "fake": 1, "none": 1},
    }


def test_the_counters_count_each_verdict(settings, runtime, outcomes):
    def now():
        return [metrics.PREDICTIONS.labels("/predict", name)._value.get() for name in ("real", "fake", "none")]

    before = now()
    record(Observer(settings), runtime, outcomes)
    assert [after - one for after, one in zip(now(), before, strict=True)] == [1, 1, 1]


def test_a_second_look_is_counted_and_is_no_second_score(settings, runtime, outcomes):
    def now():
        return metrics.PREDICTIONS.labels("/explain", "fake")._value.get(), metrics.SCORES._sum.get()

    counted, scores = now()
    record(Observer(settings), runtime, outcomes, "/explain")
    assert now() == (counted + 1, scores)
    assert list(read_traffic(Path(settings.state), *EVER)) == []


def test_without_a_traffic_log_nothing_is_written(settings, runtime, outcomes, tmp_path):
    settings.traffic_log = False
    observer = Observer(settings)
    record(observer, runtime, outcomes)
    assert list(tmp_path.iterdir()) == []


def test_recording_never_fails_a_request(settings, runtime, outcomes, capsys):
    observer = Observer(settings)
    observer.record(runtime=runtime, route="/predict", ids=["too few"], outcomes=outcomes)
    observer.close()


def test_pictures_at_work_are_counted_until_they_are_done(settings):
    observer, before = Observer(settings), metrics.AT_WORK._value.get()
    with contextlib.suppress(ValueError), observer.at_work(3):
        assert metrics.AT_WORK._value.get() == before + 3
        raise ValueError("a picture that could not be judged")
    assert metrics.AT_WORK._value.get() == before
    observer.close()
