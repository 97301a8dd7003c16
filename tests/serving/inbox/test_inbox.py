import io
import logging
import os
import threading
import time
from types import SimpleNamespace

import pytest
from PIL import Image

from unmask.serving.inbox import inbox as module
from unmask.serving.inbox.inbox import Inbox
from unmask.serving.inbox.reading import read_inbox

IDS = [f"9f2c4e7a5b8d4c0f8a6b1d2e3f405162-{number}" for number in range(3)]
RUNTIME = SimpleNamespace(bundle=SimpleNamespace(version="v1", data=SimpleNamespace(md5="d1")))


def picture(level=128, kind="JPEG"):
    stream = io.BytesIO()
    Image.new("RGB", (32, 32), (level, level, level)).save(stream, kind)
    return stream.getvalue()


def answer(verdict):
    return SimpleNamespace(verdict=verdict, p_fake=0.5, logit=0.1, attributes={"fake": 0.5})


@pytest.fixture
def make(serving):
    made = []

    def make(**changes):
        for name, value in changes.items():
            setattr(serving, name, value)
        made.append(Inbox(serving))
        return made[-1]

    yield make
    for inbox in made:
        inbox.close()


def test_only_uncertain_pictures_are_captured(make, tmp_path):
    inbox = make(capture="uncertain")
    pictures = [picture(level) for level in (1, 2, 3)]
    answers = [answer("real"), answer("uncertain"), None]
    inbox.capture(runtime=RUNTIME, ids=IDS, pictures=pictures, answers=answers)
    inbox.close()
    (entry,) = read_inbox(tmp_path / "state").captured
    assert (entry.row.id, entry.row.model_version, entry.row.data_hash) == (IDS[1], "v1", "d1")
    assert (entry.row.probability, entry.row.logit, entry.row.attributes) == (0.5, 0.1, {"fake": 0.5})
    assert entry.picture.read_bytes() == pictures[1]


def test_nothing_is_captured_unless_configured(make, tmp_path):
    inbox = make(capture="none")
    inbox.capture(runtime=RUNTIME, ids=IDS[:1], pictures=[picture()], answers=[answer("uncertain")])
    inbox.close()
    assert not (tmp_path / "state/inbox").exists()


def test_a_full_inbox_stops_no_prediction(make, tmp_path, caplog):
    inbox = make(capture="uncertain", inbox_megabytes=0.001)
    with caplog.at_level(logging.WARNING):
        inbox.capture(runtime=RUNTIME, ids=IDS[:1], pictures=[picture()], answers=[answer("uncertain")])
        inbox.close()
    assert not read_inbox(tmp_path / "state").captured
    assert f"{IDS[0]} is not captured: the inbox takes 0.001 MB a day" in caplog.text


def test_a_slow_disk_makes_no_prediction_wait(make, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    inbox = make(capture="uncertain")
    slow = threading.Event()
    inbox._writer.submit(slow.wait)
    start = time.monotonic()
    inbox.capture(runtime=RUNTIME, ids=IDS, pictures=[picture()] * 3, answers=[answer("uncertain")] * 3)
    assert time.monotonic() - start < 5
    slow.set()
    inbox.close()
    assert [entry.row.id for entry in read_inbox(tmp_path / "state").captured] == IDS[:2]


def test_a_closed_inbox_takes_no_more(make, tmp_path):
    inbox = make(capture="uncertain")
    inbox.close()
    inbox.capture(runtime=RUNTIME, ids=IDS[:1], pictures=[picture()], answers=[answer("uncertain")])
    assert not read_inbox(tmp_path / "state").captured


def test_what_is_too_old_goes_when_it_opens(make, tmp_path):
    old = tmp_path / "state/inbox/pictures" / f"{IDS[0]}.jpg"
    old.parent.mkdir(parents=True)
    old.write_bytes(picture())
    then = time.time() - 40 * 24 * 3600
    os.utime(old, (then, then))
    make(keep_days=30)
    end = time.monotonic() + 10
    while old.exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert not old.exists()


def test_it_sweeps_again_at_midnight(make, monkeypatch):
    swept, days = threading.Semaphore(0), iter([0.01, 0.01, 60.0])
    monkeypatch.setattr(module, "_seconds_to_midnight", lambda: next(days))
    monkeypatch.setattr(module.InboxFolder, "sweep", lambda folder, *, before: swept.release())
    make()
    assert all(swept.acquire(timeout=10) for _ in range(3))


def test_a_sweep_that_fails_is_tried_again(make, monkeypatch, caplog):
    tried, days = threading.Semaphore(0), iter([0.01, 60.0])

    def sweep(folder, *, before):
        tried.release()
        raise PermissionError("no")

    monkeypatch.setattr(module, "_seconds_to_midnight", lambda: next(days))
    monkeypatch.setattr(module.InboxFolder, "sweep", sweep)
    make()
    assert all(tried.acquire(timeout=10) for _ in range(2))
