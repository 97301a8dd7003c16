import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from unmask.data.audit.growth import MIN_ROWS, changes, count_cells, read_version, write_version

NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
CELLS = st.dictionaries(st.tuples(NAMES, NAMES), st.integers(1, 10_000), max_size=6)


@given(CELLS)
@settings(max_examples=25, deadline=None)
def test_a_version_is_read_as_it_was_written(cells):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.baseline.json"
        write_version(path, cells)
        assert read_version(path) == cells


@given(CELLS)
def test_against_itself_nothing_changed(cells):
    assert all(change.relative == 0 for change in changes(cells, cells))


@given(CELLS, CELLS)
def test_no_change_is_below_the_loss_of_everything(before, now):
    found = changes(before, now)
    assert {(change.source, change.label) for change in found} == {
        cell for cell, count in before.items() if count >= MIN_ROWS
    }
    assert all(change.relative >= -1 for change in found)
    assert all((change.relative == -1) == ((change.source, change.label) not in now) for change in found)


def test_rows_are_counted_by_source_and_label():
    rows = pd.DataFrame({"source": ["a", "a", "b"], "label": ["real", "real", "fake"]})
    assert count_cells(rows) == {("a", "real"): 2, ("b", "fake"): 1}
