import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.monitoring.test_heldout import Grey
from unmask.monitoring import batches
from unmask.monitoring.reference import read_reference

pytestmark = pytest.mark.usefixtures("without_evidently")


@pytest.fixture
def run(monkeypatch, settings, tmp_path):
    def _run(**changed):
        monkeypatch.setattr(batches, "Runtime", lambda folder, threads: Grey())
        config = SimpleNamespace(
            drift=replace(settings, min_rows=20, **changed),
            package=SimpleNamespace(candidate="student"),
            scale=SimpleNamespace(workers=1),
            seed=1,
        )
        return batches.drift_of_batches(config, root=tmp_path)

    return _run


def test_the_newest_batch_is_held_against_the_earlier_ones(make_build, run, tmp_path):
    make_build(tmp_path, {"z-first": 60, "a-second": 44})
    found = run()
    assert (found.n_reference, found.n_window) == (60, 44)
    assert found.subject.what == "held-out rows of batch a-second against those of z-first"
    assert found.drifted  # the later pictures are brighter
    assert json.loads((tmp_path / "build/drift/report.json").read_text())["drifted"]
    assert (tmp_path / "build/drift/report.html").is_file()


def test_the_reference_holds_known_generators_of_all_batches(make_build, run, tmp_path):
    make_build(tmp_path, {"one": 60, "two": 44})
    run()
    kept = read_reference(tmp_path / "build/drift/reference.parquet")
    assert len(kept.rows) == 78
    assert (kept.model_version, kept.data_hash) == ("0123456789ab", "d")


def test_sides_are_cut(make_build, run, tmp_path):
    make_build(tmp_path, {"one": 60, "two": 50})
    found = run(max_rows=40)
    assert (found.n_reference, found.n_window) == (40, 40)


def test_one_batch_is_a_reason_and_still_makes_a_reference(make_build, run, tmp_path):
    make_build(tmp_path, {"only": 60})
    found = run()
    assert (found.undecided, found.drifted) == (True, False)
    assert "only batch only" in found.reason
    assert (tmp_path / "build/drift/reference.parquet").is_file()
