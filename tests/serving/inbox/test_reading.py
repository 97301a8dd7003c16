import dataclasses
import json

import pytest

from unmask.dates import today
from unmask.serving.inbox.folder import InboxFolder, picture_name, sha256
from unmask.serving.inbox.reading import InboxContents, Quarantined, read_inbox
from unmask.serving.inbox.rows import FeedbackRow

ID = "9f2c4e7a5b8d4c0f8a6b1d2e3f405162-0"
ROW = FeedbackRow("2026-01-01T00:00:00+00:00", ID, "real", "", picture_name(ID, "PNG"), sha256(b"picture"))


@pytest.fixture
def state(tmp_path):
    InboxFolder(tmp_path, daily_megabytes=1.0).add_feedback(ROW, b"picture")
    return tmp_path


def append(state, line):
    with (state / f"inbox/feedback/{today()}.jsonl").open("ab") as stream:
        stream.write(line + b"\n")


def test_a_row_comes_back_with_its_picture(state):
    found = read_inbox(state)
    assert [entry.row for entry in found.feedback] == [ROW]
    assert found.feedback[0].picture.read_bytes() == b"picture"
    assert found == InboxContents(found.feedback, [], [])


def test_no_inbox_is_an_empty_one(tmp_path):
    assert read_inbox(tmp_path) == InboxContents([], [], [])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"label": "maybe"}, "label: must be real or fake"),
        ({"note": 3}, "note: must be str"),
        ({"more": 3}, "more: unknown key"),
        ({"id": "../../etc/passwd", "picture": ""}, "id: not a prediction's"),
        ({"id": f"{ID}\n", "picture": ""}, "id: not a prediction's"),
        ({"picture": "../pictures/a.png"}, "picture: not a name made from the id"),
        ({"picture": f"{ID}.exe"}, "picture: not a name made from the id"),
        ({"picture": f"{'0' * 32}-0.png"}, "picture: not a name made from the id"),
        ({"picture": f"{ID}.jpg"}, f"{ID}.jpg: missing"),
        ({"sha256": "0" * 64}, f"{ID}.png: changed since it was kept"),
    ],
)
def test_a_row_that_can_not_be_used_is_put_aside(state, changes, reason):
    append(state, json.dumps(dataclasses.asdict(ROW) | changes).encode())
    append(state, json.dumps(dataclasses.asdict(ROW)).encode())
    found = read_inbox(state)
    assert len(found.feedback) == 2
    assert found.quarantine == [Quarantined(state / f"inbox/feedback/{today()}.jsonl", 2, reason)]


@pytest.mark.parametrize("line", [b"junk", b"\xff\xfe", b"[1]", b"null", b'{"time": ', b"[" * 100_000, b"NaN"])
def test_a_damaged_line_stops_nothing(state, line):
    append(state, line)
    append(state, b"")
    append(state, json.dumps(dataclasses.asdict(ROW)).encode())
    found = read_inbox(state)
    assert len(found.feedback) == 2
    assert [place.line for place in found.quarantine] == [2]
