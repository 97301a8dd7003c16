import json

import pandas as pd
import pytest

from tests.standin import noise
from unmask.data.batches import list_batches, read_index
from unmask.data.examine import Caps
from unmask.evaluation.regression import read_regression
from unmask.retraining.intake import take_inbox, waiting_feedback

TODAY = "2026-01-03"


@pytest.fixture
def take(standin):
    def now():
        return take_inbox(standin.state, standin.root, today=TODAY, caps=Caps())

    return now


def taken_rows(standin):
    batches = [batch for batch in list_batches(standin.root / "data") if batch.name.startswith("inbox-")]
    rows = [read_index(batch, ["raw_sha256", "source", "label", "generator", "first_seen"]) for batch in batches]
    return pd.concat(rows, ignore_index=True).set_index("raw_sha256") if rows else pd.DataFrame()


def test_feedback_is_labelled_and_captured_is_not(standin, take):
    fake, real, seen = standin.report(1), standin.report(2, "real"), standin.capture(3)
    taken = take()
    assert (taken.batch, taken.labelled, taken.unlabelled, taken.refused) == ("inbox-2026-01-03-1", 2, 1, ())
    rows = taken_rows(standin)
    assert rows.loc[fake, ["source", "label", "generator"]].tolist() == ["feedback", "fake", "unknown"]
    assert rows.loc[real, ["source", "label"]].tolist() == ["feedback", "real"]
    assert rows.loc[seen, ["source", "label"]].tolist() == ["captured", "unlabelled"]
    assert set(rows["first_seen"]) == {"2026-01-02"}


def test_twice_takes_nothing_twice(standin, take):
    standin.report(1)
    take()
    again = take()
    assert (again.batch, again.labelled, again.mistakes) == ("", 0, 0)
    assert len(taken_rows(standin)) == 1
    standin.report(2)
    assert take().batch == "inbox-2026-01-03-2"


def test_a_picture_that_was_captured_and_is_labelled_later_gets_its_label(standin, take):
    seen = standin.capture(1)
    take()
    standin.report(1)
    assert take().labelled == 1
    assert taken_rows(standin).loc[[seen], "label"].tolist() == ["unlabelled", "fake"]
    assert take().batch == ""


def test_one_that_is_captured_and_labelled_at_once_is_labelled(standin, take):
    standin.capture(1)
    standin.report(1)
    taken = take()
    assert (taken.labelled, taken.unlabelled) == (1, 0)


def test_contradicting_labels_and_bad_pictures_are_refused_with_reasons(standin, take):
    standin.report(1, "fake", picture=noise(9))
    standin.report(2, "real", picture=noise(9))
    standin.report(3, picture=b"no picture")
    standin.report(4)
    (standin.state / "inbox/feedback/2026-01-02.jsonl").open("a").write("{half a line")
    taken = take()
    assert taken.labelled == 1
    reasons = " ".join(taken.refused)
    assert "same bytes as fake and real" in reasons
    assert "line 5: not JSON" in reasons
    assert len(taken.refused) == 4


def test_only_wrong_verdicts_become_regression_cases(standin, take):
    wrong, right, unsure, unknown = (standin.report(number) for number in range(1, 5))
    folder = standin.state / "traffic"
    folder.mkdir(parents=True)
    with (folder / "2026-01-02.00000000.000.jsonl").open("w") as stream:
        for number, verdict in enumerate(("real", "fake", "uncertain"), start=1):
            stream.write(json.dumps(traffic_row(f"{number:032x}-0", verdict)) + "\n")
    assert take().mistakes == 2
    listed = read_regression(standin.root / "regression.csv")
    assert set(listed["sha256"]) == {wrong, unknown}
    assert not {right, unsure} & set(listed["sha256"])
    assert set(listed["note"]) == {"seen on a forum"}


def test_the_latest_word_on_a_prediction_counts(standin, take):
    standin.report(1, "fake")
    standin.report(1, "real")
    assert take().labelled == 1
    assert taken_rows(standin)["label"].tolist() == ["real"]


def test_what_waits_is_what_no_batch_holds(standin, take):
    standin.report(1)
    standin.capture(2)
    assert waiting_feedback(standin.state, standin.root / "data") == 1
    take()
    assert waiting_feedback(standin.state, standin.root / "data") == 0
    standin.report(2)  # a person labelled what was captured
    assert waiting_feedback(standin.state, standin.root / "data") == 1


def traffic_row(prediction, verdict):
    return {
        "id": prediction,
        "time": "2026-01-02T03:00:00.000+00:00",
        "route": "/predict",
        "model_version": "0" * 12,
        "data_hash": "",
        "probability": 0.5,
        "logit": 0.0,
        "verdict": verdict,
        "marginals": {},
        "quality": None,
        "embedding": [0.0] * 16,
    }
