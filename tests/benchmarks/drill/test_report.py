from dataclasses import replace

import numpy as np
import pytest

from benchmarks.drill.desk import DRIFTED, Notice, Review
from benchmarks.drill.drill import Outcome
from benchmarks.drill.measure import Scores
from benchmarks.drill.report import figures, lines, write
from benchmarks.drill.traffic import Sent
from benchmarks.drill.windows import Window
from tests.benchmarks.drill.made import material, picture
from unmask.files import read_json

SAMPLE = material(usual=10, new=10, held_out=100)
HELD = {"camera": 0.1, "swap": 0.9, "newcomer": 0.1}


def scores(model, **levels):
    """A model that gives a generator its level, with a little less for each picture."""
    chosen = HELD | levels
    places = [int(one.name.split("/")[1].split(".")[0]) % 10_000 for one in SAMPLE.held_out]
    values = [chosen[one.generator] - place / 1e5 for one, place in zip(SAMPLE.held_out, places, strict=True)]
    return Scores(model, np.array(values), np.array(values) > 0.5)


@pytest.fixture
def outcome():
    """A drill in which all went well: the newcomer from the fourth second, alarm, labels, promotion."""
    kinds = ["camera"] * 4 + ["newcomer", "camera"] * 3
    sent = [Sent(float(at), picture(kind, at), f"{at}-0", 0.4, "real", "m1") for at, kind in enumerate(kinds)]
    return Outcome(
        "newcomer",
        scores("m1"),
        after=scores("m2", newcomer=0.95),
        sent=sent,
        notices=[Notice(5.0, DRIFTED, "a false one, told late"), Notice(7.0, DRIFTED, "the newcomer")],
        windows=[Window(2.0, "none", False), Window(3.5, "a false one", True), Window(6.5, "the newcomer", True)],
        review=Review(sent[:9], [sent[4], sent[6]]),
        alarm=7.0,
        labels_given=8.0,
        promoted=64.0,
    )


def told(outcome):
    return figures(outcome, SAMPLE, rate=0.05, seed=1, minutes=(2.0, 20.0))


def test_requests_are_counted_from_the_newcomers_first_to_the_alarm(outcome):
    found = told(outcome)
    assert (found.requests_to_alarm, found.of_the_newcomer) == (4, 2)
    assert found.minutes_to_alarm == pytest.approx(3 / 60)
    assert found.minutes_to_promotion == 1.0
    assert (found.labels, found.looked_at, found.labels_by_generator) == (2, 9, {"newcomer": 2})


def test_an_alarm_is_false_by_the_end_of_its_window_not_by_when_it_is_told(outcome):
    assert any("2 calm windows were judged, 1 alarmed" in line for line in lines(told(outcome)))


def test_the_note_on_the_newcomer_and_the_minutes_of_staging_are_shown(outcome):
    noted = replace(SAMPLE, note="It was chosen.")
    text = list(lines(figures(outcome, noted, rate=0.05, seed=1, minutes=(2.0, 20.0))))
    assert text[-1] == "It was chosen."
    assert "| minutes of setting the stage, champion and pictures | 2.0 |" in text
    assert "| minutes of the drill then | 20.0 |" in text


def test_the_aim_is_met_where_it_was_learnt_and_nothing_lost(outcome):
    assert told(outcome).met
    assert told(outcome).recall_before <= 0.06


@pytest.mark.parametrize(
    "change",
    [
        {"after": scores("m2", newcomer=0.0)},
        {"after": scores("m2", newcomer=0.95, swap=0.0)},
        {"before": scores("m1", newcomer=0.95)},
        {"after": None, "promoted": None, "failure": "retrain: keep: not better"},
        {"sent": [Sent(1.0, picture("newcomer", 1), error="no answer")]},
        {"failure": "the traffic broke off: KeyError"},
    ],
    ids=["not learnt", "an old one forgotten", "known before", "not promoted", "a request lost", "traffic broke off"],
)
def test_the_aim_is_missed(outcome, change):
    assert not told(replace(outcome, **change)).met


def test_refusals_that_were_sent_again_and_slow_answers_are_shown(outcome):
    sent = [replace(one, seconds=0.1) for one in outcome.sent[1:]] + [replace(outcome.sent[0], seconds=7.0)]
    text = "\n".join(lines(told(replace(outcome, sent=sent, refusals={503: 2, 429: 1}))))
    assert "| 1 of 429, 2 of 503 |" in text
    assert "/ 7.00 |" in text
    assert "| none |" in "\n".join(lines(told(outcome)))


def test_what_did_not_come_is_said(outcome):
    found = told(replace(outcome, after=None, promoted=None, failure="retrain: keep: not better"))
    text = "\n".join(lines(found))
    assert "no challenger was promoted" in text
    assert "It failed: retrain: keep: not better" in text
    assert "is missed" in text


def test_figures_and_plot_are_written(outcome, tmp_path):
    write(tmp_path, told(outcome), outcome)
    assert read_json(tmp_path / "drill.json")["met"] is True
    assert (tmp_path / "drill.png").read_bytes().startswith(b"\x89PNG")
    assert "| newcomer | 100 |" in (tmp_path / "drill.md").read_text()
