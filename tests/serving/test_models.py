import json
import logging
import shutil
import threading
import weakref

import pytest

import unmask.serving.models
from unmask.errors import DataError
from unmask.serving.bundle import load_bundle
from unmask.serving.models import Models
from unmask.serving.promoted import promote, rollback


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def log(caplog):
    """What the service logs, which it keeps from the root logger."""
    logger = logging.getLogger("unmask.service")
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.fixture
def versions(shared_bundle, other_bundle):
    return load_bundle(shared_bundle).version, load_bundle(other_bundle).version


@pytest.fixture(autouse=True)
def packaged(monkeypatch, tmp_path, shared_bundle):
    """The first bundle is the packaged one of the current folder, and none is named."""
    monkeypatch.delenv("UNMASK_BUNDLE", raising=False)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(shared_bundle, tmp_path / "build/package/bundle")


def models(state, *, named=None, poll_s=0.0):
    return Models(named, state=state, poll_s=poll_s, threads=1, batch=4)


def test_without_a_promotion_the_packaged_bundle_answers(state, versions):
    served = models(state)
    assert (served.current.bundle.version, served.refused, served.follows) == (versions[0], "", False)


def test_the_promoted_bundle_comes_before_the_packaged_one(state, other_bundle, versions):
    promote(other_bundle, state, "")
    assert models(state).current.bundle.version == versions[1]


def test_a_named_bundle_comes_before_the_promoted_one(state, shared_bundle, other_bundle, versions):
    promote(other_bundle, state, "")
    served = models(state, named=shared_bundle, poll_s=0.01)
    assert (served.current.bundle.version, served.follows) == (versions[0], False)


def test_a_promotion_and_a_rollback_are_taken_up(state, shared_bundle, other_bundle, versions):
    promote(shared_bundle, state, "")
    served = models(state)
    promote(other_bundle, state, "")
    served.look()
    assert served.current.bundle.version == versions[1]
    rollback(state)
    served.look()
    assert served.current.bundle.version == versions[0]


def test_a_first_promotion_is_taken_up(state, other_bundle, versions):
    served = models(state)
    promote(other_bundle, state, "")
    served.look()
    assert served.current.bundle.version == versions[1]


def test_the_pointer_is_looked_at_by_itself(state, other_bundle, versions):
    served = models(state, poll_s=0.01)
    assert served.follows
    taken_up = threading.Event()
    answer_with = served._answer_with
    served._answer_with = lambda runtime: (answer_with(runtime), taken_up.set())
    promote(other_bundle, state, "")
    assert taken_up.wait(30)
    assert served.current.bundle.version == versions[1]
    served.close()


def test_what_did_not_change_is_not_loaded_again(state, other_bundle, monkeypatch):
    promote(other_bundle, state, "")
    served = models(state)
    runtime = served.current
    served.look()
    (state / "promoted.json").write_text((state / "promoted.json").read_text())  # touched, the same
    served.look()
    assert served.current is runtime


def test_the_old_model_lives_as_long_as_a_request_holds_it(state, other_bundle, versions):
    served = models(state)
    held = served.current
    alive = weakref.ref(held)
    promote(other_bundle, state, "")
    served.look()
    assert held.bundle.version == versions[0]
    del held
    assert alive() is None


def spoil(state, version):
    (state / "bundles" / version / "model.onnx").write_bytes(b"rotten")


def test_a_damaged_promotion_is_refused_once(state, shared_bundle, other_bundle, versions, log):
    promote(shared_bundle, state, "")
    served = models(state)
    promote(other_bundle, state, "")
    spoil(state, versions[1])
    for _ in range(3):
        served.look()
    assert served.current.bundle.version == versions[0]
    assert served.refused.startswith(f"bundles/{versions[1]}/model.onnx: changed since it was packaged")
    assert [record.levelname for record in log.records] == ["ERROR"]
    rollback(state)
    served.look()
    assert (served.current.bundle.version, served.refused) == (versions[0], "")


def test_a_damaged_pointer_leaves_the_model_and_is_forgotten_when_mended(state, other_bundle, versions, log):
    promote(other_bundle, state, "")
    served = models(state)
    whole = (state / "promoted.json").read_text()
    (state / "promoted.json").write_text("{")
    served.look()
    assert (served.current.bundle.version, served.refused[:28]) == (versions[1], "promoted.json: not a pointer")
    (state / "promoted.json").write_text(whole)
    served.look()
    assert served.refused == ""


def test_a_pointer_that_goes_away_leaves_the_model(state, other_bundle, versions, log):
    promote(other_bundle, state, "")
    served = models(state)
    (state / "promoted.json").unlink()
    for _ in range(3):
        served.look()
    assert served.current.bundle.version == versions[1]
    assert [record.getMessage() for record in log.records] == ["nothing is promoted any more; the model stays"]


def test_at_start_the_one_promoted_before_stands_in(state, shared_bundle, other_bundle, versions, log):
    promote(other_bundle, state, "")
    promote(shared_bundle, state, "")
    spoil(state, versions[0])
    served = models(state)
    assert served.current.bundle.version == versions[1]  # and not the packaged one
    assert served.refused.startswith(f"bundles/{versions[0]}/model.onnx: changed")


def test_at_start_the_packaged_bundle_stands_in_last(state, other_bundle, versions, log):
    promote(other_bundle, state, "")
    spoil(state, versions[1])
    served = models(state)
    assert served.current.bundle.version == versions[0]
    assert served.refused


@pytest.mark.parametrize("text", ["", "{}", json.dumps({"bundle": "/etc"})])
def test_at_start_a_damaged_pointer_is_noted(state, versions, log, text):
    state.mkdir()
    (state / "promoted.json").write_text(text)
    served = models(state)
    assert served.current.bundle.version == versions[0]
    assert served.refused.startswith("promoted.json: not a pointer")
    assert len(log.records) == 1


def test_without_any_whole_bundle_it_says_what_is_wrong_with_the_last(state, tmp_path):
    (tmp_path / "build/package/bundle/model.onnx").write_bytes(b"rotten")
    with pytest.raises(DataError, match=r"build/package/bundle/model\.onnx: changed since"):
        models(state)


def test_a_bundle_that_fails_in_an_unforeseen_way_is_refused(state, other_bundle, versions, log, monkeypatch):
    served = models(state)
    promote(other_bundle, state, "")

    def fail(*_args, **_options):
        raise RuntimeError("out of something")

    monkeypatch.setattr(unmask.serving.models, "load_promoted", fail)
    served.look()
    assert served.current.bundle.version == versions[0]
    assert served.refused == "the bundle can't be run (RuntimeError); package the model again"


def test_a_model_is_warmed_up_before_it_answers(state, other_bundle, monkeypatch):
    sizes = []
    runtime = unmask.serving.models.Runtime
    predict = runtime.predict_crops
    monkeypatch.setattr(runtime, "predict_crops", lambda self, crops: sizes.append(len(crops)) or predict(self, crops))
    models(state)
    assert sizes[-1] == 4  # serving.batch, after the pictures of the self-test
