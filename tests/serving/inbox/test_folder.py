import json
import os
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unmask.dates import today
from unmask.errors import DataError
from unmask.serving.inbox import folder
from unmask.serving.inbox.folder import InboxFolder, InboxFullError, picture_name, sha256
from unmask.serving.inbox.reading import read_inbox
from unmask.serving.inbox.rows import CapturedRow, FeedbackRow

ID = "9f2c4e7a5b8d4c0f8a6b1d2e3f405162-0"


def feedback(number=0, *, note="", picture=b"", kind="PNG"):
    name = f"{number:032x}-0"
    return FeedbackRow("2026-01-01T00:00:00+00:00", name, "fake", note, *named(name, picture, kind))


def captured(picture):
    return CapturedRow("2026-01-01T00:00:00+00:00", ID, "v", "d", 0.5, 0.0, {"fake": 0.5}, *named(ID, picture, "JPEG"))


def named(name, picture, kind):
    return (picture_name(name, kind), sha256(picture)) if picture else ("", "")


@pytest.fixture
def inbox(tmp_path):
    return InboxFolder(tmp_path, daily_megabytes=1.0)


def test_rows_and_pictures_lie_where_they_are_looked_for(inbox, tmp_path):
    inbox.add_feedback(feedback(picture=b"one"), b"one")
    inbox.add_captured(captured(b"two"), b"two")
    assert (tmp_path / f"inbox/pictures/{0:032x}-0.png").read_bytes() == b"one"
    assert (tmp_path / f"inbox/captured/{ID}.jpg").read_bytes() == b"two"
    line = (tmp_path / f"inbox/feedback/{today()}.jsonl").read_text()
    assert json.loads(line)["label"] == "fake"
    assert json.loads((tmp_path / f"inbox/captured/{today()}.jsonl").read_text())["probability"] == 0.5


@settings(max_examples=25, deadline=None)
@given(notes=st.lists(st.text(max_size=200), min_size=1, max_size=4))
def test_any_note_survives(tmp_path_factory, notes):
    state = tmp_path_factory.mktemp("state")
    inbox = InboxFolder(state, daily_megabytes=1.0)
    for number, note in enumerate(notes):
        inbox.add_feedback(feedback(number, note=note), b"")
    found = read_inbox(state)
    assert [entry.row.note for entry in found.feedback] == notes
    assert not found.quarantine


def test_writers_in_several_processes_do_not_mix_their_rows(tmp_path):
    code = (
        "import sys; from pathlib import Path; from unmask.serving.inbox.folder import InboxFolder\n"
        "from unmask.serving.inbox.rows import FeedbackRow\n"
        "inbox = InboxFolder(Path(sys.argv[1]), daily_megabytes=10.0)\n"
        "rows = [FeedbackRow('t', f'{n:032x}-{sys.argv[2]}', 'real', 'x' * 3000, '', '') for n in range(50)]\n"
        "for row in rows: inbox.add_feedback(row, b'')"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(number)]) for number in range(3)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    found = read_inbox(tmp_path)
    assert not found.quarantine
    assert len({entry.row.id for entry in found.feedback}) == 150
    assert int((tmp_path / "inbox/.used").read_text().split()[1]) == sum(
        path.stat().st_size for path in tmp_path.glob("inbox/feedback/*")
    )


def test_half_a_line_does_not_swallow_the_next(inbox, tmp_path):
    inbox.add_feedback(feedback(1), b"")
    with (tmp_path / f"inbox/feedback/{today()}.jsonl").open("a") as stream:
        stream.write('{"time": "2026-')
    inbox.add_feedback(feedback(2), b"")
    found = read_inbox(tmp_path)
    assert [int(entry.row.id[:32], 16) for entry in found.feedback] == [1, 2]
    assert [(place.line, place.reason) for place in found.quarantine] == [(2, "not JSON")]


def test_a_day_takes_so_many_bytes_and_no_more(tmp_path):
    inbox = InboxFolder(tmp_path, daily_megabytes=0.02)
    for number in range(4):
        inbox.add_feedback(feedback(number, picture=b"x"), b"x")
    # A picture of one byte takes a block of the disk.
    with pytest.raises(InboxFullError, match=r"takes 0\.02 MB a day"):
        inbox.add_feedback(feedback(4, picture=b"x"), b"x")
    assert len(read_inbox(tmp_path).feedback) == len(list(tmp_path.glob("inbox/pictures/*"))) == 4


def test_the_next_day_begins_anew(tmp_path, monkeypatch):
    inbox = InboxFolder(tmp_path, daily_megabytes=0.001)
    inbox.add_feedback(feedback(1, note="x" * 600), b"")
    with pytest.raises(InboxFullError):
        inbox.add_feedback(feedback(2, note="x" * 600), b"")
    tomorrow = today() + timedelta(days=1)
    monkeypatch.setattr(folder, "today", lambda: tomorrow)
    inbox.add_feedback(feedback(2, note="x" * 600), b"")
    assert (tmp_path / f"inbox/feedback/{tomorrow}.jsonl").exists()


def test_a_damaged_count_is_found_again(tmp_path):
    inbox = InboxFolder(tmp_path, daily_megabytes=0.01)
    inbox.add_feedback(feedback(1, picture=b"x"), b"x")
    (tmp_path / "inbox/.used").write_text("junk")
    with pytest.raises(InboxFullError):
        inbox.add_feedback(feedback(2, picture=b"y"), b"y")


def test_an_id_has_one_picture(inbox, tmp_path):
    inbox.add_feedback(feedback(picture=b"one"), b"one")
    inbox.add_feedback(feedback(picture=b"one"), b"one")
    for other, kind in ((b"two", "PNG"), (b"one", "JPEG")):
        with pytest.raises(DataError, match="another picture is kept"):
            inbox.add_feedback(feedback(picture=other, kind=kind), other)
    assert [path.read_bytes() for path in tmp_path.glob("inbox/pictures/*")] == [b"one"]
    assert len(read_inbox(tmp_path).feedback) == 2


def test_a_picture_that_is_sent_again_is_kept_anew(inbox, tmp_path):
    inbox.add_feedback(feedback(picture=b"one"), b"one")
    kept = tmp_path / f"inbox/pictures/{0:032x}-0.png"
    _age(kept, days=29)
    inbox.add_feedback(feedback(picture=b"one"), b"one")
    inbox.sweep(today())
    assert kept.exists()


def test_other_pictures_are_not_looked_through(inbox, monkeypatch):
    inbox.add_feedback(feedback(1, picture=b"one"), b"one")
    monkeypatch.setattr(os, "scandir", None)
    monkeypatch.setattr(Path, "glob", None)
    inbox.add_feedback(feedback(2, picture=b"one"), b"one")
    with pytest.raises(DataError):
        inbox.add_feedback(feedback(1, picture=b"two", kind="TIFF"), b"two")


def test_nobody_else_can_read_it(inbox, tmp_path):
    before = os.umask(0o022)
    try:
        inbox.add_feedback(feedback(picture=b"one"), b"one")
        inbox.add_captured(captured(b"two"), b"two")
    finally:
        os.umask(before)
    for path in [tmp_path / "inbox", *(tmp_path / "inbox").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_what_is_too_old_goes(inbox, tmp_path):
    inbox.add_feedback(feedback(1, picture=b"old"), b"old")
    inbox.add_captured(captured(b"new"), b"new")
    rows = tmp_path / f"inbox/feedback/{today()}.jsonl"
    limit = today() - timedelta(days=30)
    rows.rename(rows.with_stem(str(limit - timedelta(days=1))))
    rows.with_stem(str(limit)).write_text("")
    (tmp_path / "inbox/pictures/.left.tmp").write_bytes(b"half")
    for name in (f"{1:032x}-0.png", ".left.tmp"):
        _age(tmp_path / "inbox/pictures" / name, days=31)
    inbox.sweep(limit)
    left = {str(path.relative_to(tmp_path / "inbox")) for path in tmp_path.glob("inbox/*/*")}
    assert left == {f"feedback/{limit}.jsonl", f"captured/{ID}.jpg", f"captured/{today()}.jsonl"}


def test_an_inbox_that_is_not_there_needs_no_sweep(tmp_path):
    InboxFolder(tmp_path / "state", daily_megabytes=1.0).sweep(today())
    assert not (tmp_path / "state").exists()


def _age(path: Path, *, days: int) -> None:
    then = path.stat().st_mtime - days * 24 * 3600
    os.utime(path, (then, then))
