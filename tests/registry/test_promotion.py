import io
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from tests.registry.conftest import BOT, keep
from unmask.errors import DataError
from unmask.registry import promotion
from unmask.registry.promotion import champion, promote, rollback, settle, stack
from unmask.registry.table import show_history, show_versions
from unmask.registry.tags import assign
from unmask.serving.promoted import read_pointer


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def to_prod(root, state, bundles):
    def give(name):
        for bundle in bundles:  # a promotion removes those that no rollback reaches
            keep(bundle, state)
        return promote(root, state, name, stage="prod", reason="better", identity=BOT)

    return give


def test_prod_moves_the_services_pointer_and_staging_does_not(root, state, registered, to_prod):
    (name,) = registered(1)
    promote(root, state, name, stage="staging", reason="won", identity=BOT)
    assert read_pointer(state) is None
    assert champion(root) is None
    version = to_prod(name)
    assert read_pointer(state).version == version.model
    assert champion(root) == version


def test_rollbacks_go_further_and_further_back(root, state, registered, to_prod):
    names = registered(3)
    models = [to_prod(name).model for name in names]
    for expected in (1, 0):
        assert rollback(root, state, identity=BOT).name == names[expected]
        assert read_pointer(state).version == models[expected]
        assert champion(root).name == names[expected]
    with pytest.raises(DataError, match="nothing to go back to"):
        rollback(root, state, identity=BOT)
    to_prod(names[2])
    assert stack(root) == [names[0], names[2]]


def test_promoting_what_is_in_prod_changes_nothing(root, state, registered, to_prod):
    (name,) = registered(1)
    to_prod(name)
    before = read_pointer(state)
    to_prod(name)
    assert replace(read_pointer(state), time=before.time) == before
    assert stack(root) == [name]


def test_a_kill_between_tag_and_pointer_is_mended(root, state, *, registered, to_prod, bundles):
    names = registered(2)
    to_prod(names[0])
    keep(bundles[1], state)
    assign(root, names[1], "prod", reason="better", identity=BOT)  # and then the process was killed
    assert "was behind the registry" in settle(root, state)
    assert read_pointer(state).version == champion(root).model
    assert settle(root, state) == ""


def test_a_kill_in_a_rollback_is_mended(root, state, registered, to_prod):
    first, second = registered(2)
    to_prod(first)
    model = read_pointer(state).version
    to_prod(second)
    assign(root, first, "prod", reason=f"rollback from {second}", identity=BOT)
    assert settle(root, state)
    assert read_pointer(state).version == model
    assert read_pointer(state).before == []


def test_a_model_that_a_person_promoted_by_hand_stays(root, state, *, registered, to_prod, bundles, monkeypatch):
    first, _ = registered(2)
    to_prod(first)
    monkeypatch.setattr(promotion, "TAG_CLOCK", timedelta(0))
    promotion.promoted.promote(bundles[2], state, "by hand")
    assert settle(root, state) == ""
    shown = io.StringIO()
    assert "answers with the unregistered model" in show_versions(root, state, Console(file=shown))


def test_a_damaged_bundle_gets_no_tag(root, state, registered, to_prod):
    (name,) = registered(1)
    next(state.glob("bundles/*/model.onnx")).write_bytes(b"rotten")
    with pytest.raises(DataError, match=r"model\.onnx"):
        to_prod(name)
    assert stack(root) == []


def test_an_unknown_version_names_those_there_are(root, state, registered, to_prod):
    (name,) = registered(1)
    with pytest.raises(DataError, match=f"registered: {name}"):
        to_prod("v7.7.7")


def test_the_tables_show_stage_and_history(root, state, registered, to_prod):
    first, second = registered(2)
    to_prod(first)
    to_prod(second)
    rollback(root, state, identity=BOT)
    shown = io.StringIO()
    assert show_versions(root, state, Console(file=shown)).endswith(f"the service answers with {first}")
    lines = [line for line in shown.getvalue().splitlines() if "prod" in line]
    assert len(lines) == 1
    assert lines[0].strip().startswith(first)
    assert show_history(root, Console(file=shown)) == "3 assignments"
    assert f"rollback from {second}" in shown.getvalue()
