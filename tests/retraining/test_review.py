import io

import pytest
from rich.console import Console

from unmask.data.examine import Caps
from unmask.errors import DataError
from unmask.retraining.intake import take_inbox
from unmask.retraining.review import give_label, queue, show_queue


def test_the_least_certain_comes_first_and_a_label_ends_the_wait(standin):
    for number, probability in ((1, 0.61), (2, 0.48), (3, 0.7)):
        standin.capture(number, probability=probability)
    assert [entry.row.probability for entry in queue(standin.state)] == [0.48, 0.61, 0.7]
    first = queue(standin.state)[0].row
    assert give_label(standin.state, first.id, "fake", note="blurred ear", daily_megabytes=100.0).endswith(
        "2 more wait"
    )
    shown = io.StringIO()
    assert show_queue(standin.state, limit=1, console=Console(file=shown)).startswith("2 captured")
    assert first.id not in shown.getvalue()
    taken = take_inbox(standin.state, standin.root, today="2026-01-03", caps=Caps())
    assert (taken.labelled, taken.unlabelled) == (1, 2)


def test_an_unknown_id_is_refused(standin):
    with pytest.raises(DataError, match="no captured picture"):
        give_label(standin.state, "0" * 32 + "-0", "real", note="", daily_megabytes=100.0)
