import json
from pathlib import Path

import pandas as pd
import pytest

from tests.faces import plans, write_faces
from unmask.config import Assemble, Expand, Validate
from unmask.data.audit.facts import Facts, Inputs, gather_facts
from unmask.data.audit.gate import GateSettings, run_gate
from unmask.data.expand import expand
from unmask.data.manifest import read_manifest
from unmask.data.parallel import Workers
from unmask.errors import GateError
from unmask.labels.graph import FFPP

# The whole line that a person reads: how many failed, which, by which key, and where to look.
GATE_LINE = r"1 hard expectation failed: enough rows \(28, at least 12,345 by validate.min_rows\); see .*index.html"
ROWS = [*plans(8, 6, "train"), *plans(4, 3, "val"), *plans(4, 3, "test")]


def inputs(folder: Path, **changed: object) -> Inputs:
    whole = {
        "rows": read_manifest(folder / "dataset/manifest.parquet"),
        "generated": read_manifest(folder / "expanded/manifest.parquet"),
        "labels": pd.read_parquet(folder / "expanded/labels.parquet"),
        "quarantine": pd.DataFrame({"path": ["<b>x.jpg"], "source": ["s"], "reason": ["damaged"]}),
        "shortcut_auc": 0.6,
        "graph": FFPP,
        "unseen_generators": frozenset({"warp"}),
        "near_duplicate_bits": 4,
    }
    return Inputs(**{**whole, **changed})


def validate(**changed: object) -> Validate:
    bounds = {
        "min_rows": 10,
        "min_validation_reals": 4,
        "max_quarantined_fraction": 0.05,
        "max_shortcut_auc": 0.65,
        "max_label_association": 0.2,
        "reference_source": "",
    }
    return Validate(**{**bounds, **changed})


def gate(folder: Path, out: Path, assemble: Assemble, **changed: object) -> str:
    settings = GateSettings(validate(**changed), assemble, seed=1, workers=Workers())
    return run_gate(folder / "dataset", folder / "expanded", out, settings=settings, graph=FFPP)


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    write_faces(folder / "dataset", ROWS)
    settings = Expand(
        self_blended_per_real=1, region_edits_per_real=0, min_change=0.01, min_area=0.003, physical_inconsistency=True
    )
    expand(folder / "dataset", folder / "expanded", settings=settings, graph=FFPP, seed=1, workers=Workers())
    return folder


def zeroes(facts: Facts) -> dict[str, float]:
    return {name: facts.numbers[name] for name in facts.culprits}


def test_a_sound_data_set_has_no_culprits(build):
    assert not any(zeroes(gather_facts(inputs(build))).values())


def test_a_group_in_two_splits_is_named(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    train, test = (rows.index[rows["split"] == split][0] for split in ("train", "test"))
    rows.loc[[train, test], "group"] = "same"
    facts = gather_facts(inputs(build, rows=rows))
    assert set(facts.culprits["rows_of_groups_in_two_splits"]) == set(rows.loc[[train, test], "image_id"])


def test_near_duplicates_across_splits_are_named(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    train, test = (rows.index[rows["split"] == split][0] for split in ("train", "test"))
    rows.loc[train, "phash"] = "00000000000000ff"
    rows.loc[test, "phash"] = "00000000000000f0"
    facts = gather_facts(inputs(build, rows=rows))
    assert set(facts.culprits["near_duplicates_across_splits"]) == set(rows.loc[[train, test], "image_id"])


def test_excluded_rows_may_share_anything(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    train, test = (rows.index[rows["split"] == split][0] for split in ("train", "test"))
    rows.loc[[train, test], "group"] = "same"
    rows.loc[test, "split"] = "excluded"
    assert not gather_facts(inputs(build, rows=rows)).culprits["rows_of_groups_in_two_splits"]


def test_an_unseen_generator_in_training_is_named(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    culprit = rows.index[(rows["split"] == "train") & (rows["label"] == "fake")][0]
    rows.loc[culprit, "generator"] = "warp"
    facts = gather_facts(inputs(build, rows=rows))
    assert facts.culprits["unseen_generators_outside_test"] == [rows.loc[culprit, "image_id"]]


def test_a_hidden_label_that_is_shown_is_named(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    hidden = rows.index[(rows["split"] == "train") & (rows["label"] == "fake")][0]
    rows.loc[hidden, "labelled"] = False
    facts = gather_facts(inputs(build, rows=rows))
    assert facts.culprits["hidden_labels_shown"] == [rows.loc[hidden, "image_id"]]


def test_a_forgery_of_a_row_that_is_not_for_training_is_named(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    made = read_manifest(build / "expanded/manifest.parquet")
    rows.loc[rows["image_id"] == made["forged_from"].iloc[0], "split"] = "test"
    assert gather_facts(inputs(build, rows=rows)).culprits["forgeries_of_wrong_rows"] == [made["image_id"].iloc[0]]


def test_a_vector_without_a_legal_state_is_named(build):
    labels = pd.read_parquet(build / "expanded/labels.parquet")
    labels.at[0, "target"] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    labels.at[0, "target_mask"] = [1] * 10
    assert gather_facts(inputs(build, labels=labels)).culprits["illegal_targets"] == [labels["image_id"][0]]


def test_a_row_without_a_vector_is_named(build):
    labels = pd.read_parquet(build / "expanded/labels.parquet")
    facts = gather_facts(inputs(build, labels=labels.iloc[1:]))
    assert facts.culprits["visible_rows_without_labels"] == [labels["image_id"][0]]


def test_a_sound_data_set_passes(build, tmp_path, settings):
    line = gate(build, tmp_path, settings)
    report = json.loads((tmp_path / "validation.json").read_text())
    assert report["passed"]
    assert not report["hard"]
    assert "crops (0 quarantined)" in line


def test_a_failed_hard_expectation_stops_after_writing_the_page(build, tmp_path, settings):
    with pytest.raises(GateError, match=GATE_LINE):
        gate(build, tmp_path, settings, min_rows=12_345)
    report = json.loads((tmp_path / "validation.json").read_text())
    assert [row["name"] for row in report["hard"]] == ["rows"]
    assert "Stopped" in (tmp_path / "index.html").read_text()


def test_a_missed_soft_expectation_is_recorded_and_does_not_stop(build, tmp_path, settings):
    gate(build, tmp_path, settings, max_shortcut_auc=0.1)
    report = json.loads((tmp_path / "validation.json").read_text())
    assert report["passed"]
    assert "shortcut_auc" in [row["name"] for row in report["soft"]]


def test_a_bad_row_is_named_by_the_row_expectations(build, tmp_path, settings):
    rows = read_manifest(build / "dataset/manifest.parquet")
    facts = gather_facts(inputs(build))
    from unmask.data.audit.suite import run_suite

    rows.loc[3, "width"] = 2
    outcome = next(found for found in run_suite(rows, facts, validate()) if found.name == "width")
    assert not outcome.passed
    assert outcome.culprits == (rows.loc[3, "image_id"],)


def test_the_page_needs_no_other_file_and_shows_every_forger(build, tmp_path, settings):
    gate(build, tmp_path, settings)
    page = (tmp_path / "index.html").read_text()
    assert "http://" not in page
    assert "https://" not in page
    assert "selfblend (generated)" in page
    assert "data:image/jpeg;base64," in page
