import json

import pytest

from unmask.monitoring.assess import assess
from unmask.monitoring.summary import Subject


@pytest.fixture(scope="module")
def written(make_rows, settings, tmp_path_factory):
    """One report for all tests: Evidently takes seconds to import."""
    page = tmp_path_factory.mktemp("report") / "report.html"
    reference, window = make_rows(120), make_rows(60, seed=1, shift=1.5, prefix="w")
    summary = assess(reference, window, Subject("a window against a reference"), settings, page=page, seed=0)
    return page, summary


def test_the_page_names_what_drifted_and_shows_every_column(written):
    page, summary = written
    text = page.read_text()
    assert f"drifted: {summary.reason}" in text
    assert "sharpness: median" in text
    assert "AUC of telling them apart" in text
    assert all(each.name in text for each in summary.columns if each.name in ("p_fake", "P(fake)", "brightness"))


def test_its_tests_fail_where_the_summary_says_drifted_and_only_there(written):
    page, summary = written
    tests = json.loads(page.with_suffix(".evidently.json").read_text())["tests"]
    failed = [test for test in tests if test["status"] == "FAIL"]
    assert len(tests) == 1 + len(summary.columns)
    assert len(failed) == 1 + sum(each.drifted for each in summary.columns) == 4


def test_numbers_and_page_agree(written):
    page, summary = written
    value = json.loads(page.with_suffix(".json").read_text())
    assert value["drifted"] is True
    assert value["p_value"] == summary.p_value <= summary.level
