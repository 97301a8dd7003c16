import json
from datetime import timedelta

import pytest

from tests.monitoring.conftest import OTHER, VERSION
from unmask.errors import DataError
from unmask.monitoring.monitor import accept, monitor

pytestmark = pytest.mark.usefixtures("without_evidently")


@pytest.fixture
def state(keep, tmp_path):
    keep(tmp_path / "built.parquet")
    return tmp_path / "var"


@pytest.fixture
def look(state, settings, noon):
    def _look():
        span = (noon - timedelta(hours=2), noon)
        return monitor(state, *span, settings, seed=0, built=state.parent / "built.parquet")

    return _look


def test_traffic_like_the_reference_is_no_drift(look, state, make_traffic, log_traffic):
    log_traffic(state, [make_traffic(number) for number in range(80)])
    found = look()
    assert not found.summary.drifted
    assert not found.summary.undecided
    assert found.summary.n_window == 80
    assert (found.summary.subject.model_version, found.summary.subject.data_hash) == (VERSION, "d")
    assert "80 predictions, " in str(found.summary)


def test_a_shift_is_reported_stored_and_entered_in_the_history(look, state, make_traffic, log_traffic):
    log_traffic(state, [make_traffic(number, shift=1.5) for number in range(80)])
    found = look()
    assert found.summary.drifted
    assert {each.name for each in found.summary.columns if each.drifted} >= {"sharpness", "embedding, MMD"}
    assert json.loads(found.page.with_suffix(".json").read_text()) == json.loads(json.dumps(found.summary.to_dict()))
    assert found.page.is_file()
    assert "drifted" in found.history.read_text()


def test_pictures_of_novel_rows_are_found_where_they_were_kept(look, state, make_traffic, log_traffic):
    log_traffic(state, [make_traffic(number, shift=1.5) for number in range(80)])
    captured, sent = look().summary.novel[3].id, look().summary.novel[5].id
    kept = {captured: state / f"inbox/captured/{captured}.jpg", sent: state / f"inbox/pictures/{sent}.png"}
    for path in (*kept.values(), state / "inbox/pictures/nobody.jpg", state / "inbox/captured/2026-11-21.jsonl"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    assert look().pictures == kept


def test_too_few_pictures_are_undecided_not_fine(look, state, make_traffic, log_traffic):
    log_traffic(state, [make_traffic(number) for number in range(10)])
    found = look().summary
    assert (found.undecided, found.drifted, found.p_value) == (True, False, None)
    assert "10 distinct pictures" in found.reason
    assert str(found).startswith("undecided: ")


def test_nothing_asked_is_undecided(look):
    found = look()
    assert found.summary.reason == "nothing was asked"
    assert "Undecided: nothing was asked" in found.page.read_text()


def test_rows_of_another_model_are_left_aside_and_counted(look, state, make_traffic, log_traffic):
    log_traffic(state, [make_traffic(n, version=OTHER if n < 30 else VERSION) for n in range(90)], "damaged")
    found = look().summary
    assert found.n_window == 60
    assert found.subject.left_aside == {"of another model": 30, "damaged lines of the log": 1}


def test_a_model_without_a_reference_is_refused(look, state, make_traffic, log_traffic):
    log_traffic(state, [make_traffic(number, version=OTHER) for number in range(60)])
    with pytest.raises(DataError, match="is of another model"):
        look()


@pytest.fixture
def take(state, settings, noon):
    def _take():
        return accept(state, noon - timedelta(hours=2), noon, settings, built=state.parent / "built.parquet")

    return _take


def test_accepted_traffic_is_what_later_windows_are_compared_with(look, take, state, make_traffic, log_traffic):
    log_traffic(state, [make_traffic(number, shift=1.5) for number in range(80)])
    assert look().summary.drifted
    take()
    log_traffic(state, [make_traffic(number, shift=1.5) for number in range(80, 160)])
    assert not look().summary.drifted
    log_traffic(state, [make_traffic(number) for number in range(160, 240)])
    assert look().summary.drifted


def test_a_few_pictures_are_never_accepted(take, state, make_traffic, log_traffic):
    with pytest.raises(DataError, match="nothing was asked"):
        take()
    log_traffic(state, [make_traffic(number) for number in range(10)])
    with pytest.raises(DataError, match="10 distinct pictures"):
        take()
