import json

import httpx
import pytest

from benchmarks.drill.desk import Webhook, choose, label
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
    chosen = choose(tmp_path / "var", sent, most=3)
    assert [one.id for one in chosen] == [sent[5].id, sent[2].id, sent[1].id]


def test_what_was_not_sent_here_or_got_no_answer_is_passed_over(tmp_path, sent):
    report(tmp_path / "var", 77, 3)
    lost = [*sent[:3], Sent(3.0, sent[3].picture, sent[3].id, error="lost")]
    assert choose(tmp_path / "var", lost, most=9) == []


def test_a_picture_that_was_sent_twice_is_looked_at_once(tmp_path, sent):
    again = Sent(9.0, sent[2].picture, f"{9:032x}-0", 0.4, "real", "m")
    report(tmp_path / "var", 2, 9, 3)
    assert [one.picture.name for one in choose(tmp_path / "var", [*sent, again], most=9)] == [
        "newcomer/2.png",
        "newcomer/3.png",
    ]


class Told:
    def __init__(self):
        self.reports = []

    def feedback(self, prediction, label, *, note, picture):
        self.reports.append((prediction, label, picture))


def test_a_label_is_the_truth_with_the_picture_and_counts_wrong_verdicts(sent):
    client = Told()
    unsure = Sent(9.0, picture("newcomer", 9), "9-0", 0.5, "uncertain", "m")
    done = label(client, [sent[0], unsure], seconds=0.0)
    assert client.reports == [(sent[0].id, "fake", sent[0].picture.data), ("9-0", "fake", unsure.picture.data)]
    assert [one.wrong for one in done] == [True, False]


def test_notices_are_received():
    with Webhook() as desk:
        httpx.post(desk.url, json={"subject": "traffic drifted", "text": "why"})
        assert [(one.subject, one.text) for one in desk.notices] == [("traffic drifted", "why")]
