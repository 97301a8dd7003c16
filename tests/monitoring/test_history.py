import json
import math
from datetime import timedelta

from unmask.monitoring.assess import assess
from unmask.monitoring.history import page_of, read_history, remove_old_pages, write_history
from unmask.monitoring.summary import Subject


def undecided(state, end, settings, why="nothing was asked"):
    return assess(None, None, Subject("a window"), settings, page=page_of(state, end), seed=0, why=why)


def test_the_newest_pages_stay_and_the_json_of_all(settings, noon, tmp_path):
    for hour in range(5):
        undecided(tmp_path, noon + timedelta(hours=hour), settings)
    folder = tmp_path / "reports"
    (folder / "20261121T120000Z.evidently.json").write_text("{}")
    assert remove_old_pages(folder, keep=2) == 3
    assert [path.name for path in sorted(folder.glob("*Z.html"))] == ["20261121T150000Z.html", "20261121T160000Z.html"]
    assert len(list(folder.glob("*Z.json"))) == 5
    assert not list(folder.glob("*.evidently.json"))


def test_a_window_that_is_looked_at_again_replaces_its_report(settings, noon, tmp_path):
    for _ in range(2):
        undecided(tmp_path, noon, settings)
    assert len(read_history(tmp_path / "reports")) == 1


def test_the_page_shows_every_decision_and_links_those_with_a_report(settings, noon, tmp_path):
    folder = tmp_path / "reports"
    for hour in range(2):
        undecided(tmp_path, noon + timedelta(hours=hour), settings)
    decision = json.loads((folder / "20261121T120000Z.json").read_text())
    decision |= {"drifted": True, "undecided": False, "p_value": 0.002, "reason": "<b>sharpness</b>", "n_window": 1200}
    decision |= {"domain_auc": {"value": 0.7, "low": 0.6, "high": 0.8}, "columns": [{"share": 0.2}]}
    (folder / "20261121T120000Z.json").write_text(json.dumps(decision))
    (folder / "20261121T120000Z.html").unlink()
    page = write_history(folder).read_text()
    assert "<td>2026-11-21 12:00<td>drifted<td>1,200<td>0.002<td>&lt;b&gt;sharpness&lt;/b&gt;" in page
    assert "<a href='20261121T130000Z.html'>2026-11-21 13:00</a><td>undecided" in page
    assert page.count("<svg") == 3


def test_damaged_summaries_are_left_out(settings, noon, tmp_path):
    undecided(tmp_path, noon, settings)
    folder = tmp_path / "reports"
    for name, text in {"20261121T100000Z": "{", "20261121T110000Z": "[]", "20261199T110000Z": "{}"}.items():
        (folder / f"{name}.json").write_text(text)
    found = read_history(folder)
    assert [(entry.name, entry.word) for entry in found] == [("20261121T120000Z", "undecided")]
    assert math.isnan(found[0].p_value)


def test_without_a_decision_there_is_a_page_all_the_same(tmp_path):
    assert "Drift over time" in write_history(tmp_path).read_text()
