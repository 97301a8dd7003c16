import json

import httpx
import pytest

from benchmarks.drill.desk import Review, Webhook, to_look_at
from benchmarks.drill.traffic import Sent
from tests.benchmarks.drill.made import picture
from tests.standin import StandIn


@pytest.fixture
def sent():
    return [
        Sent(float(number), picture("newcomer", number), f"{number:032x}-0", 0.4, "real", "m") for number in range(6)
    ]


def report(state, *numbers):
    (state / "reports").mkdir(parents=True, exist_ok=True)
    novel = [{"id": f"{number:032x}-0", "novelty": 0.9} for number in numbers]
    (state / "reports/20260102T030405Z.json").write_text(json.dumps({"novel": novel}))


def test_the_most_novel_come_first_then_the_least_certain(tmp_path, sent):
    StandIn(tmp_path).capture(4, probability=0.9)
    StandIn(tmp_path).capture(1, probability=0.52)
    report(tmp_path / "var", 5, 2)
    chosen = to_look_at(tmp_path / "var", sent)
    assert [one.id for one in chosen] == [sent[5].id, sent[2].id, sent[1].id, sent[4].id]


def test_what_was_not_sent_here_or_got_no_answer_is_passed_over(tmp_path, sent):
    report(tmp_path / "var", 77, 3)
    lost = [*sent[:3], Sent(3.0, sent[3].picture, sent[3].id, error="lost")]
    assert to_look_at(tmp_path / "var", lost) == []


def test_a_picture_that_was_sent_twice_is_looked_at_once(tmp_path, sent):
    again = Sent(9.0, sent[2].picture, f"{9:032x}-0", 0.4, "real", "m")
    report(tmp_path / "var", 2, 9, 3)
    names = [one.picture.name for one in to_look_at(tmp_path / "var", [*sent, again])]
    assert names == ["newcomer/2.png", "newcomer/3.png"]


class Told:
    def __init__(self):
        self.reports = []

    def feedback(self, prediction, label, *, note, picture):
        self.reports.append((prediction, label, picture))


def test_fakes_that_got_by_are_reported_with_the_picture(sent):
    client = Told()
    caught = Sent(8.0, picture("swap", 8), "8-0", 0.9, "fake", "m")
    real = Sent(9.0, picture("camera", 9), "9-0", 0.1, "real", "m")
    unsure = Sent(9.0, picture("newcomer", 9), "7-0", 0.5, "uncertain", "m")
    done = Review()
    done.go_on(client, [caught, sent[0], real, unsure], most=9, seconds=0.0)
    assert client.reports == [(sent[0].id, "fake", sent[0].picture.data), ("7-0", "fake", unsure.picture.data)]
    assert (len(done.looked_at), done.reported) == (4, [sent[0], unsure])


def test_the_desk_stops_when_it_has_reported_enough(sent):
    client, done = Told(), Review()
    done.go_on(client, sent, most=2, seconds=0.0)
    assert done.looked_at == sent[:2]
    assert len(client.reports) == 2


def test_the_desk_goes_on_with_what_it_has_not_seen(sent):
    client, done = Told(), Review()
    done.go_on(client, sent[:2], most=4, seconds=0.0)
    done.go_on(client, sent, most=4, seconds=0.0)
    assert done.looked_at == done.reported == sent[:4]
    assert len(client.reports) == 4


def test_notices_are_received():
    with Webhook() as desk:
        httpx.post(desk.url, json={"subject": "traffic drifted", "text": "why"})
        assert [(one.subject, one.text) for one in desk.notices] == [("traffic drifted", "why")]
