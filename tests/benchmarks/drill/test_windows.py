import time
from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.drill.windows import judged
from unmask.files import write_json


def test_decided_windows_are_on_the_drills_clock(tmp_path):
    now, start = datetime.now(UTC), time.monotonic()
    for age, facts in ((90, {"undecided": True}), (60, {}), (30, {"drifted": True})):
        end = now - timedelta(seconds=age)
        subject = {"end": end.isoformat(), "what": f"{age} s ago"}
        told = {"undecided": False, "drifted": False, "subject": subject} | facts
        write_json(tmp_path / f"reports/{end:%Y%m%dT%H%M%SZ}.json", told)
    (tmp_path / "reports/20260102T030405Z.evidently.json").write_text("{}")
    windows = judged(tmp_path)
    assert [(one.what, one.drifted) for one in windows] == [("60 s ago", False), ("30 s ago", True)]
    assert [one.end - start for one in windows] == [pytest.approx(-60, abs=1), pytest.approx(-30, abs=1)]


def test_before_the_first_look_there_is_none(tmp_path):
    assert judged(tmp_path) == []
