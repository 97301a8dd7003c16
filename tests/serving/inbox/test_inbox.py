import io
import json
import threading
import time
from types import SimpleNamespace

import pytest
from PIL import Image

from unmask.serving.inbox import inbox as module
from unmask.serving.inbox.inbox import Inbox
from unmask.serving.inbox.reading import read_inbox
from unmask.serving.logs import JsonFormatter, service_log

IDS = [f"9f2c4e7a5b8d4c0f8a6b1d2e3f405162-{number}" for number in range(3)]
RUNTIME = SimpleNamespace(bundle=SimpleNamespace(version="v1", data=SimpleNamespace(md5="d1")))


def picture(level=128, kind="JPEG"):
    stream = io.BytesIO()
    Image.new("RGB", (32, 32), (level, level, level)).save(stream, kind)
    return stream.getvalue()


def answer(verdict):
    return SimpleNamespace(verdict=verdict, p_fake=0.5, logit=0.1, attributes={"fake": 0.5})


@pytest.fixture
def logged(caplog):
    """A function that gives the lines of the service's log so far."""
    logger = service_log()
    logger.addHandler(caplog.handler)
    yield lambda: [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    logger.removeHandler(caplog.handler)


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


def test_a_full_inbox_stops_no_prediction(make, tmp_path, logged):
    inbox = make(capture="uncertain", inbox_megabytes=0.001)
    inbox.capture(runtime=RUNTIME, ids=IDS[:1], pictures=[picture()], answers=[answer("uncertain")])
    inbox.close()
    assert not read_inbox(tmp_path / "state").captured
    (line,) = logged()
    assert (line["event"], line["id"]) == ("a picture is not captured", IDS[0])
    assert line["why"].startswith("the inbox takes 0.001 MB a day")


def test_a_capture_that_fails_stops_no_other(make, tmp_path, logged, monkeypatch):
    inbox, add = make(capture="uncertain"), module.InboxFolder.add_captured

    def add_captured(folder, row, body):
        if row.id == IDS[0]:
            raise RuntimeError("unforeseen")
        add(folder, row, body)

    monkeypatch.setattr(module.InboxFolder, "add_captured", add_captured)
    inbox.capture(runtime=RUNTIME, ids=IDS[:2], pictures=[picture()] * 2, answers=[answer("uncertain")] * 2)
    inbox.close()
    assert [entry.row.id for entry in read_inbox(tmp_path / "state").captured] == [IDS[1]]
    assert [(line["event"], line["id"]) for line in logged()] == [("a picture could not be captured", IDS[0])]


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


def test_what_waits_is_bounded_in_bytes(make, tmp_path, monkeypatch, logged):
    body = picture()
    monkeypatch.setattr(module, "MOST_WAITING_BYTES", 2 * len(body))
    inbox = make(capture="uncertain")
    slow = threading.Event()
    inbox._writer.submit(slow.wait)
    inbox.capture(runtime=RUNTIME, ids=IDS, pictures=[body] * 3, answers=[answer("uncertain")] * 3)
    slow.set()
    inbox._writer.submit(int).result(timeout=10)
    assert [(line["id"], line["why"]) for line in logged()] == [(IDS[2], "too much waits to be written")]
    inbox.capture(runtime=RUNTIME, ids=IDS[2:], pictures=[body], answers=[answer("uncertain")])
    inbox.close()
    assert [entry.row.id for entry in read_inbox(tmp_path / "state").captured] == IDS


def test_a_closed_inbox_takes_no_more(make, tmp_path):
    inbox = make(capture="uncertain")
    inbox.close()
    inbox.capture(runtime=RUNTIME, ids=IDS[:1], pictures=[picture()], answers=[answer("uncertain")])
    assert not read_inbox(tmp_path / "state").captured
