"""The steps of the drill where one goes wrong, without servers."""

import threading

import numpy as np
import pytest

from benchmarks.drill import drill
from benchmarks.drill.drill import Outcome, Settings, _Clock, _follow, _Watch
from benchmarks.drill.measure import Scores
from benchmarks.drill.servers import Loop
from benchmarks.drill.stage import Stage
from benchmarks.drill.traffic import Plan, Sender
from unmask.client import ServiceError

NONE = Scores("m1", np.array([]), np.array([]))
SETTINGS = Settings(plan=Plan(), loop=Loop(labels=9), reports=10, alarm_minutes=1.0, promotion_minutes=1.0, seed=1)


@pytest.fixture
def watch(tmp_path):
    outcome = Outcome("newcomer", NONE)
    return _Watch(outcome, Sender("http://127.0.0.1:1", iter(()), 1.0), _Clock(), tmp_path)


def follow(watch, tmp_path):
    over = threading.Event()
    _follow(Stage(tmp_path, "m1"), "http://127.0.0.1:1", SETTINGS, watch, over)
    return over.is_set()


def test_a_refused_report_is_a_miss_and_not_the_end_of_the_drill(watch, tmp_path, monkeypatch):
    def refused(*_):
        raise ServiceError(507, "the inbox is full", "r-1")

    monkeypatch.setattr(drill, "_stay_calm", lambda *_: None)
    monkeypatch.setattr(drill, "_learn", refused)
    assert follow(watch, tmp_path), "the newcomer came"
    assert watch.outcome.failure == "the inbox is full (HTTP 507, request r-1)"


def test_traffic_that_broke_off_is_waited_for_no_longer(watch, tmp_path):
    watch.sender.failure = "the traffic broke off: KeyError"
    assert not follow(watch, tmp_path)
    assert watch.outcome.failure == "the traffic broke off: KeyError"
