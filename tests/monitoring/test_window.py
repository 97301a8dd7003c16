from datetime import timedelta

import numpy as np

from tests.monitoring.conftest import OTHER, VERSION
from unmask.monitoring.window import read_window, request_of


def test_rows_of_the_window_are_taken_with_their_requests(make_traffic, log_traffic, noon, tmp_path):
    logged = [make_traffic(number, id=f"request{number // 2}-{number % 2}") for number in range(6)]
    log_traffic(tmp_path, [*logged, make_traffic(9, time=noon - timedelta(hours=3))], "half a row")
    found = read_window(tmp_path, noon - timedelta(hours=2), noon)
    assert (len(found.rows), found.predictions, found.other_models, found.damaged) == (6, 6, 0, 1)
    assert found.rows.groups.tolist() == [f"request{number}" for number in (0, 0, 1, 1, 2, 2)]
    assert np.allclose(found.rows.embeddings[0], logged[0].embedding, atol=1e-3)
    assert found.rows.columns.loc[0, "P(fake)"] == round(logged[0].marginals["fake"], 4)


def test_only_the_model_that_answered_last_counts(make_traffic, log_traffic, noon, tmp_path):
    log_traffic(tmp_path, [make_traffic(n, version=OTHER if n < 4 else VERSION) for n in range(6)])
    found = read_window(tmp_path, noon - timedelta(hours=2), noon)
    assert (found.model_version, len(found.rows), found.other_models) == (VERSION, 2, 4)


def test_a_window_in_which_nothing_was_asked(noon, tmp_path):
    found = read_window(tmp_path, noon - timedelta(hours=2), noon)
    assert (found.rows, found.model_version, found.predictions) == (None, "", 0)


def test_an_id_without_a_number_is_a_request_of_its_own():
    assert request_of("alone") == "alone"
    assert request_of("a-b-7") == "a-b"


def test_of_a_busy_window_whole_requests_are_drawn_the_same_each_time(make_traffic, log_traffic, noon, tmp_path):
    log_traffic(tmp_path, [make_traffic(number, id=f"request{number // 3}-{number % 3}") for number in range(300)])
    found = read_window(tmp_path, noon - timedelta(hours=2), noon, most=90)
    assert found.predictions == 300
    assert 50 < len(found.rows) < 130
    assert set(np.unique(found.rows.groups, return_counts=True)[1]) == {3}
    again = read_window(tmp_path, noon - timedelta(hours=2), noon, most=90)
    assert again.rows.ids.tolist() == found.rows.ids.tolist()


def test_clips_are_left_aside(make_traffic, log_traffic, noon, tmp_path):
    log_traffic(tmp_path, [make_traffic(n, **({"quality": None} if n < 3 else {})) for n in range(10)])
    found = read_window(tmp_path, noon - timedelta(hours=2), noon)
    assert (len(found.rows), found.predictions, found.unmeasured) == (7, 7, 3)
    assert found.rows.columns.notna().all(axis=None)
