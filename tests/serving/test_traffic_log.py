import errno
import logging
import threading
from datetime import UTC, datetime, timedelta

import unmask.serving.traffic_log
from tests.serving.test_traffic import NOON, row
from unmask.serving import metrics
from unmask.serving.traffic import FOLDER, day_of, read_traffic
from unmask.serving.traffic_log import TrafficLog

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def maker(number, **options):
    return lambda: row(number, **options)


def dropped(why):
    return metrics.DROPPED.labels(why)._value.get()


def ids(state):
    return [each.id for each in read_traffic(state, *EVER)]


def test_what_was_added_is_written_by_the_time_it_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(unmask.serving.traffic_log, "today", NOON.date)
    log = TrafficLog(tmp_path)
    for number in range(500):
        log.add(maker(number))
    log.close()
    assert ids(tmp_path) == [f"id-{number}" for number in range(500)]
    [file] = (tmp_path / FOLDER).iterdir()
    assert day_of(file) == NOON.date()
    assert (tmp_path / FOLDER).stat().st_mode & 0o077 == 0


def test_rows_are_written_before_it_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(unmask.serving.traffic_log, "PAUSE_S", 0.001)
    written = threading.Event()
    log = TrafficLog(tmp_path)
    write = log._write
    log._write = lambda lines: (write(lines), written.set())
    log.add(maker(1))
    assert written.wait(10)
    assert ids(tmp_path) == ["id-1"]
    log.close()


def test_a_file_that_is_large_is_followed_by_another(tmp_path, monkeypatch):
    monkeypatch.setattr(unmask.serving.traffic_log, "today", NOON.date)
    log = TrafficLog(tmp_path, largest=100)
    for number in range(3):
        log._write([row(number).to_json().encode() + b"\n"])
    log.close()
    assert [path.name[-9:] for path in sorted((tmp_path / FOLDER).iterdir())] == [f"00{n}.jsonl" for n in range(3)]
    assert ids(tmp_path) == ["id-0", "id-1", "id-2"]


def test_a_new_day_has_a_new_file(tmp_path, monkeypatch):
    log = TrafficLog(tmp_path)
    for days in range(3):
        time = NOON + timedelta(days=days)
        monkeypatch.setattr(unmask.serving.traffic_log, "today", time.date)
        log._write([row(days, time=time).to_json().encode() + b"\n"])
    log.close()
    assert ids(tmp_path) == ["id-0", "id-1", "id-2"]
    assert {path.name[11:] for path in (tmp_path / FOLDER).iterdir()} == {f"{log._worker}.000.jsonl"}


def test_a_turn_ends_however_fast_rows_come(tmp_path, monkeypatch):
    monkeypatch.setattr(unmask.serving.traffic_log, "PAUSE_S", 60.0)
    log, made = TrafficLog(tmp_path), []

    def make():
        made.append(len(made))
        assert len(made) < 100
        log.add(make)
        return row(made[-1])

    log.add(make)
    assert len(log._lines()) == 1
    log.close()


def test_rows_that_come_too_late_are_counted(tmp_path, monkeypatch):
    held, before = threading.Event(), dropped("closed")
    monkeypatch.setattr(unmask.serving.traffic_log, "PAUSE_S", 0.001)
    log = TrafficLog(tmp_path)
    working = threading.Event()

    def slow():
        working.set()
        held.wait(10)
        return row(0)

    log.add(slow)
    assert working.wait(10)
    log.add(maker(1))
    log.close(timeout_s=0.01)
    assert dropped("closed") == before + 1
    log.add(maker(2))
    assert dropped("closed") == before + 2
    held.set()
    log._thread.join()


def test_two_workers_never_share_a_file(tmp_path):
    logs = [TrafficLog(tmp_path) for _ in range(2)]
    for number, log in enumerate(logs):
        log.add(maker(number))
        log.close()
    assert len(list((tmp_path / FOLDER).iterdir())) == 2
    assert sorted(ids(tmp_path)) == ["id-0", "id-1"]


def test_a_full_queue_drops_and_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(unmask.serving.traffic_log, "PAUSE_S", 60.0)
    before = dropped("queue")
    log = TrafficLog(tmp_path, waiting=10)
    for number in range(25):
        log.add(maker(number))
    log.close()
    assert dropped("queue") - before == 15
    assert len(ids(tmp_path)) == 10


def test_a_full_disk_drops_counts_and_complains_once(tmp_path, monkeypatch, caplog):
    class Full:
        def __init__(self, *_):
            raise OSError(errno.ENOSPC, "No space left on device")

    logger = logging.getLogger("unmask.service")
    logger.addHandler(caplog.handler)
    log, before = TrafficLog(tmp_path), dropped("disk")
    monkeypatch.setattr(unmask.serving.traffic_log, "FileIO", Full)
    for _ in range(3):
        log._write([b"{}\n", b"{}\n"])
    monkeypatch.undo()
    log._write([row(7).to_json().encode() + b"\n"])  # there is space again
    log.close()
    logger.removeHandler(caplog.handler)
    assert dropped("disk") - before == 6
    assert [record.getMessage() for record in caplog.records] == [
        "traffic log: No space left on device; rows are dropped until it can be written"
    ]
    assert ids(tmp_path) == ["id-7"]


def test_a_row_that_can_not_be_made_is_dropped_and_counted(tmp_path):
    before = dropped("row")
    log = TrafficLog(tmp_path)
    log.add(lambda: row(probability=float("nan")))
    log.add(maker(1))
    log.close()
    assert dropped("row") - before == 1
    assert ids(tmp_path) == ["id-1"]
