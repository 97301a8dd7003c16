import threading
import time
from itertools import islice

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.drill import traffic
from benchmarks.drill.pictures import divide
from benchmarks.drill.traffic import CountedTransport, Plan, Sender, send
from tests.benchmarks.drill.made import material, picture
from unmask.client import Judgement, Prediction, ServiceError, Source

PICTURE = picture("camera", 1)
SOURCE = Source("m1", "hash", "request", {})


def judged(_):
    return Prediction("r-0", Judgement(0.9, "fake", "", {}), None, None, source=SOURCE)


@given(number=st.integers(0, 5000))
def test_the_share_never_falls_and_never_passes_its_peak(number):
    plan = Plan(rise=50, peak=0.4)
    assert 0.0 <= plan.share(number) <= plan.share(number + 1) <= 0.4
    assert (plan.share(number) > 0) == (number > 0)


def test_without_a_rise_it_comes_at_once():
    assert [Plan(rise=0, peak=0.5).share(number) for number in (0, 1)] == [0.0, 0.5]


def pictures(plan, *, seed=1, calm_ended=lambda: True):
    return plan.pictures(material(usual=40, new=30, held_out=1), seed=seed, calm_ended=calm_ended)


def test_the_calm_has_none_of_the_newcomer_and_the_end_its_peak():
    sent = list(islice(pictures(Plan(calm=50, rise=20, peak=0.5)), 400))
    assert all(one.generator != "newcomer" for one in sent[:50])
    assert 0.4 < sum(one.generator == "newcomer" for one in sent[100:]) / 300 < 0.6


def test_the_calm_lasts_until_its_end_is_said():
    over = threading.Event()
    traffic = pictures(Plan(calm=10, rise=0, peak=1.0), calm_ended=over.is_set)
    assert all(one.generator != "newcomer" for one in islice(traffic, 100))
    over.set()
    assert all(one.generator == "newcomer" for one in islice(traffic, 20))


def test_every_picture_is_sent_once_before_any_is_sent_again():
    pool = material(usual=40, new=30, held_out=1)
    sent = [one.name for one in islice(pictures(Plan(calm=80)), 80)]
    assert set(sent[:40]) == set(sent[40:]) == {one.name for one in pool.usual}
    assert sent[:40] != sent[40:]


def test_the_same_seed_sends_the_same():
    first, second = ([one.name for one in islice(pictures(Plan(calm=9), seed=3), 90)] for _ in range(2))
    assert first == second


def test_an_answer_is_kept_with_its_picture():
    sent = send(judged, PICTURE)
    assert (sent.id, sent.probability, sent.verdict, sent.model, sent.error) == ("r-0", 0.9, "fake", "m1", "")


def refused(_):
    raise ServiceError(0, "no answer")


def unjudged(_):
    return Prediction("r-1", None, None, "too small", source=SOURCE)


@pytest.mark.parametrize(("predict", "error"), [(refused, "no answer"), (unjudged, "too small")])
def test_what_gets_no_judgement_is_lost(predict, error):
    assert send(predict, PICTURE).error == error


def test_the_sender_counts_what_is_lost_and_goes_on(monkeypatch):
    answers = iter([judged, refused, unjudged])
    asked = []

    def predict(self, data):
        asked.append(data)
        return next(answers, judged)(data)

    monkeypatch.setattr(traffic.Client, "predict", predict)
    with Sender("http://127.0.0.1:1", iter(lambda: PICTURE, None), rate=200.0) as sender:
        while len(asked) < 6:
            time.sleep(0.01)
    assert [one.error for one in sender.lost] == ["no answer", "too small"]
    assert len(sender.sent) >= 5


def test_no_person_is_both_sent_and_held_out():
    pictures = [picture("camera", number) for number in range(400)]
    twice = pictures + [picture("camera", number) for number in range(400)]
    sent, kept = divide(twice, 0.3, seed=1)
    assert not {one.group for one in sent} & {one.group for one in kept}
    assert len(sent) + len(kept) == 800
    assert 0.2 < len(kept) / 800 < 0.4


def test_an_unexpected_error_ends_the_traffic_and_is_kept(monkeypatch):
    def broken(self, data):
        raise KeyError("verdict")

    monkeypatch.setattr(traffic.Client, "predict", broken)
    with Sender("http://127.0.0.1:1", iter(lambda: PICTURE, None), rate=200.0) as sender:
        while not sender.failure:
            time.sleep(0.01)
    assert "the traffic broke off: KeyError" in sender.failure
    assert not sender.sent


def test_what_is_refused_and_sent_again_is_counted(monkeypatch):
    statuses = iter([503, 429, 200, 200])
    monkeypatch.setattr(
        httpx.HTTPTransport, "handle_request", lambda self, request: httpx.Response(next(statuses), json={})
    )
    transport = CountedTransport()
    with httpx.Client(transport=transport) as client:
        for _ in range(4):
            client.get("http://127.0.0.1:1")
    assert transport.refusals == {503: 1, 429: 1}
