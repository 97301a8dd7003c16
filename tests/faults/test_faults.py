"""Plant every fault, run the real functions over it, and look for the words by which a user learns of it."""

from collections.abc import Callable

import pytest

from tests.faults.collection import jpeg, picture
from tests.faults.conftest import COLUMN
from tests.faults.faults import FAULTS, Fault
from tests.faults.plants import OUTSIDE, sha
from tests.faults.run import Seen

pytestmark = pytest.mark.xdist_group("faults")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_planted_fault_is_found(
    fault: Fault,
    planted: Seen,
    assembled_with: Callable[[Fault], Seen],
    record_property: Callable[[str, str], None],
) -> None:
    record_property(COLUMN, fault.name)
    words = fault.find(assembled_with(fault) if fault.batch else planted, planted.harmed.get(fault.name, []))
    record_property("words", words)
    assert words


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_without_the_fault_nothing_is_found(fault: Fault, sound: Seen, planted: Seen) -> None:
    assert not fault.find(sound, planted.harmed.get(fault.name, []))


def test_a_sound_collection_passes(sound: Seen) -> None:
    assert sound.lines[-1].startswith("validate: ")
    assert "error" not in sound.lines[-1]
    assert len(sound.quarantine) == 0


def test_the_gate_stops_and_names_each_hard_expectation_that_failed(planted: Seen) -> None:
    (line,) = (line for line in planted.lines if line.startswith("validate: error: "))
    assert all(outcome["title"] in line for outcome in planted.failed.values() if outcome["hard"])


def test_what_lies_outside_was_never_taken(planted: Seen) -> None:
    assert sha(jpeg(picture(OUTSIDE))) not in set(planted.rows["raw_sha256"])


def test_no_traceback_reaches_the_user(planted: Seen) -> None:
    assert not [line for line in planted.lines if "Traceback" in line]
