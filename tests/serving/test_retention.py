import threading
from datetime import UTC, datetime, timedelta

import pytest

from unmask.dates import today
from unmask.serving import retention as module
from unmask.serving.retention import Retention, remove_all


@pytest.fixture
def keep(monkeypatch):
    """A function that starts a retention whose first nights are short."""
    made = []

    def start(*sweeps, nights=(), keep_days=30):
        left = iter([*nights, 60.0])
        monkeypatch.setattr(module, "_seconds_to_midnight", lambda: next(left))
        made.append(Retention(sweeps, keep_days=keep_days))

    yield start
    for each in made:
        each.close()


class Sweep:
    def __init__(self, error=None):
        self.days, self.done, self.error = [], threading.Semaphore(0), error

    def __call__(self, before):
        self.days.append(before)
        self.done.release()
        if self.error:
            raise self.error


def test_everything_is_swept_at_once(keep):
    sweeps = Sweep(), Sweep()
    keep(*sweeps, keep_days=2)
    assert all(sweep.done.acquire(timeout=10) for sweep in sweeps)
    assert [sweep.days for sweep in sweeps] == [[today() - timedelta(days=2)]] * 2


def test_and_again_at_midnight(keep, monkeypatch):
    sweep, days = Sweep(), iter([today() + timedelta(days=number) for number in range(3)])
    monkeypatch.setattr(module, "today", lambda: next(days))
    keep(sweep, nights=[0.01, 0.01])
    assert all(sweep.done.acquire(timeout=10) for _ in range(3))
    assert [(later - sweep.days[0]).days for later in sweep.days] == [0, 1, 2]


@pytest.mark.parametrize("error", [PermissionError("no"), OverflowError("a date beyond all calendars")])
def test_a_sweep_that_fails_stops_neither_the_others_nor_the_next_day(keep, error):
    bad, good = Sweep(error), Sweep()
    keep(bad, good, nights=[0.01])
    assert all(sweep.done.acquire(timeout=10) for sweep in (bad, good) for _ in range(2))


def test_what_cannot_be_removed_keeps_nothing_else(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "2").touch()
    with pytest.raises(OSError, match="1"):
        remove_all([tmp_path / name for name in ("0", "1", "2")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1"]


def test_midnight_is_not_far():
    seconds = module._seconds_to_midnight()
    assert 0 < seconds <= 24 * 3600 + 1
    assert (datetime.now(UTC) + timedelta(seconds=seconds)).date() == today() + timedelta(days=1)


def test_a_service_removes_old_traffic_and_old_pictures_when_it_starts(serving, in_process, tmp_path):
    old = today() - timedelta(days=31)
    files = [
        tmp_path / "state/traffic" / f"{old}.00000000.000.jsonl",
        tmp_path / "state/inbox/feedback" / f"{old}.jsonl",
        tmp_path / "state/inbox/feedback" / f"{today()}.jsonl",
    ]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    serving.traffic_log = False  # rows of former days go all the same
    with in_process(serving):
        wait_until(lambda: not files[0].exists() and not files[1].exists())
    assert files[2].exists()


def wait_until(happened):
    waiting = threading.Event()
    assert any(happened() or waiting.wait(0.02) for _ in range(500)), "it did not happen"
