import json
import shutil
from contextlib import nullcontext
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from tests.faces import expand_settings, plans, write_faces
from unmask.config import Assemble, Validate
from unmask.data.audit.facts import Facts, Inputs, gather_facts
from unmask.data.audit.gate import GateSettings, audited, run_gate
from unmask.data.audit.growth import accept, write_version
from unmask.data.audit.pictures import TILE_PX, Gallery
from unmask.data.audit.suite import run_suite
from unmask.data.expand import expand
from unmask.data.forging.masks import DIFFERENCE, MASKS_SCHEMA
from unmask.data.manifest import read_manifest, write_manifest
from unmask.data.parallel import Workers
from unmask.data.shards import ShardWriter
from unmask.data.tables import read_typed, write_table, write_typed
from unmask.errors import DataError, GateError
from unmask.labels.graph import FFPP

# The whole line that a person reads: how many failed, which, by which key, and where to look.
GATE_LINE = r"1 hard expectation failed: enough rows \(28, at least 12,345 by validate.min_rows\); see .*index.html"
ROWS = [*plans(8, 6, "train"), *plans(4, 3, "val"), *plans(4, 3, "test")]


def inputs(folder: Path, **changed: object) -> Inputs:
    whole = {
        "rows": read_manifest(folder / "dataset/manifest.parquet"),
        "generated": read_manifest(folder / "expanded/manifest.parquet"),
        "labels": pd.read_parquet(folder / "expanded/labels.parquet"),
        "quarantine": pd.DataFrame({"path": ["<b>x.jpg"], "source": ["s"], "reason": ["damaged"], "used": [False]}),
        "troubles": {"missing_crops": {}, "unreadable_crops": {}, "masks_of_other_size": {}},
        "accepted": {},
        "shortcut_auc": 0.6,
        "shortcut_missing": "",
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
        "min_class_share": 0.2,
        "decode_sample": 8,
        "audit_rows": 100,
        "max_shrink": 0.1,
        "max_growth": 1.0,
        "reference_source": "",
    }
    return Validate(**{**bounds, **changed})


def gate(folder: Path, out: Path, assemble: Assemble, **changed: object) -> str:
    settings = GateSettings(validate(**changed), assemble, seed=1, workers=Workers())
    baseline = out.parent / "data.baseline.json"
    if not baseline.exists():
        write_version(baseline, {})
    return run_gate(folder / "dataset", folder / "expanded", out, baseline=baseline, settings=settings, graph=FFPP)


def facts_of(folder: Path, **changed: object) -> Facts:
    return gather_facts(inputs(folder, **changed), validate())


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    write_faces(folder / "dataset", ROWS)
    settings = expand_settings(self_blended_per_real=1, region_edits_per_real=0)
    expand(folder / "dataset", folder / "expanded", settings=settings, graph=FFPP, seed=1, workers=Workers())
    return folder


def zeroes(facts: Facts) -> dict[str, float]:
    return {name: facts.numbers[name] for name in facts.culprits}


def test_a_sound_data_set_has_no_culprits(build):
    assert not any(zeroes(facts_of(build)).values())


def test_a_group_in_two_splits_is_named(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    train, test = (rows.index[rows["split"] == split][0] for split in ("train", "test"))
    rows.loc[[train, test], "group"] = "same"
    facts = facts_of(build, rows=rows)
    assert set(facts.culprits["rows_of_groups_in_two_splits"]) == set(rows.loc[[train, test], "image_id"])


def test_near_duplicates_across_splits_are_named(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    train, test = (rows.index[rows["split"] == split][0] for split in ("train", "test"))
    rows.loc[train, "phash"] = "00000000000000ff"
    rows.loc[test, "phash"] = "00000000000000f0"
    facts = facts_of(build, rows=rows)
    assert set(facts.culprits["near_duplicates_across_splits"]) == set(rows.loc[[train, test], "image_id"])


def test_excluded_rows_may_share_anything(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    train, test = (rows.index[rows["split"] == split][0] for split in ("train", "test"))
    rows.loc[[train, test], "group"] = "same"
    rows.loc[test, "split"] = "excluded"
    assert not facts_of(build, rows=rows).culprits["rows_of_groups_in_two_splits"]


def test_an_unseen_generator_in_training_is_named(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    culprit = rows.index[(rows["split"] == "train") & (rows["label"] == "fake")][0]
    rows.loc[culprit, "generator"] = "warp"
    facts = facts_of(build, rows=rows)
    assert facts.culprits["unseen_generators_outside_test"] == [rows.loc[culprit, "image_id"]]


def test_a_hidden_label_that_is_shown_is_named(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    hidden = rows.index[(rows["split"] == "train") & (rows["label"] == "fake")][0]
    rows.loc[hidden, "labelled"] = False
    facts = facts_of(build, rows=rows)
    assert facts.culprits["hidden_labels_shown"] == [rows.loc[hidden, "image_id"]]


def test_a_forgery_of_a_row_that_is_not_for_training_is_named(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    made = read_manifest(build / "expanded/manifest.parquet")
    rows.loc[rows["image_id"] == made["forged_from"].iloc[0], "split"] = "test"
    assert facts_of(build, rows=rows).culprits["forgeries_of_wrong_rows"] == [made["image_id"].iloc[0]]


def test_a_vector_without_a_legal_state_is_named(build):
    labels = pd.read_parquet(build / "expanded/labels.parquet")
    labels.at[0, "target"] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    labels.at[0, "target_mask"] = [1] * 10
    assert facts_of(build, labels=labels).culprits["illegal_targets"] == [labels["image_id"][0]]


def test_a_row_without_a_vector_is_named(build):
    labels = pd.read_parquet(build / "expanded/labels.parquet")
    facts = facts_of(build, labels=labels.iloc[1:])
    assert facts.culprits["visible_rows_without_labels"] == [labels["image_id"][0]]


def test_a_sound_data_set_passes(build, tmp_path, settings):
    line = gate(build, tmp_path / "out", settings)
    report = json.loads((tmp_path / "out/validation.json").read_text())
    assert report["passed"]
    assert not report["hard"]
    assert "crops (0 quarantined)" in line


def test_without_a_forgery_and_an_unlabelled_row_the_gate_runs_all_the_same(build, tmp_path, settings):
    copied = Path(shutil.copytree(build, tmp_path / "build"))
    made = read_manifest(copied / "expanded/manifest.parquet")
    labels = pd.read_parquet(copied / "expanded/labels.parquet")
    write_manifest(copied / "expanded/manifest.parquet", made.iloc[:0])
    write_table(copied / "expanded/labels.parquet", labels[~labels["image_id"].isin(made["image_id"])])
    assert gate(copied, tmp_path / "out", settings)


def test_a_failed_hard_expectation_stops_after_writing_the_page(build, tmp_path, settings):
    with pytest.raises(GateError, match=GATE_LINE):
        gate(build, tmp_path / "out", settings, min_rows=12_345)
    report = json.loads((tmp_path / "out/validation.json").read_text())
    assert [row["name"] for row in report["hard"]] == ["rows"]
    assert "Stopped" in (tmp_path / "out/index.html").read_text()


def test_a_missed_soft_expectation_is_recorded_and_does_not_stop(build, tmp_path, settings):
    line = gate(build, tmp_path / "out", settings, min_class_share=0.45)
    report = json.loads((tmp_path / "out/validation.json").read_text())
    assert report["passed"]
    assert "class_share" in [row["name"] for row in report["soft"]]
    assert "reals and fakes are balanced (0.4286, at least 0.45 by validate.min_class_share)" in line


def test_a_figure_that_cannot_be_had_is_not_measured_and_has_not_passed(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    facts = facts_of(build, shortcut_auc=None, shortcut_missing="too few reals")
    outcome = next(found for found in run_suite(rows, facts, validate()) if found.name == "shortcut_auc")
    assert (outcome.passed, outcome.observed, outcome.unmeasured) == (False, None, "too few reals")
    assert outcome.named == ("not measured: too few reals",)


def test_a_shortcut_audit_that_could_not_run_is_told_with_its_reason(build, tmp_path, settings):
    line = gate(build, tmp_path / "out", settings)
    why = "fewer than 20 visible reals or fakes, or all of one group"
    assert f"no soft one missed, 1 not measured (simple statistics do not give the label away: {why});" in line
    report = json.loads((tmp_path / "out/validation.json").read_text())
    assert [(row["name"], row["observed"], row["unmeasured"]) for row in report["soft"]] == [
        ("shortcut_auc", None, why)
    ]
    assert f"<td class=n>not measured: {why}</td>" in (tmp_path / "out/index.html").read_text()


def test_a_bad_row_is_named_by_the_row_expectations(build, tmp_path, settings):
    rows = read_manifest(build / "dataset/manifest.parquet")
    facts = facts_of(build)
    rows.loc[3, "width"] = 2
    outcome = next(found for found in run_suite(rows, facts, validate()) if found.name == "width")
    assert not outcome.passed
    assert outcome.culprits == (rows.loc[3, "image_id"],)


def test_the_page_needs_no_other_file_and_shows_every_forger(build, tmp_path, settings):
    gate(build, tmp_path / "out", settings)
    page = (tmp_path / "out/index.html").read_text()
    assert "http://" not in page
    assert "https://" not in page
    assert "selfblend (generated)" in page
    assert "data:image/jpeg;base64," in page


def test_a_forger_among_the_reals_and_a_fake_of_a_camera_are_named(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    real, fake = (rows.index[rows["label"] == label][0] for label in ("real", "fake"))
    rows.loc[real, "generator"], rows.loc[fake, "generator"] = "StyleGAN2", "camera"
    facts = facts_of(build, rows=rows)
    assert facts.culprits["forged_reals"] == [rows.loc[real, "image_id"]]
    assert facts.culprits["fakes_without_generator"] == [rows.loc[fake, "image_id"]]


def test_reals_may_come_from_any_camera(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    rows.loc[rows["label"] == "real", "generator"] = "iphone"
    assert not facts_of(build, rows=rows).culprits["forged_reals"]


def test_a_generator_outside_the_label_table_is_named_with_its_rows(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    strange = rows.index[rows["label"] == "fake"][:2]
    rows.loc[strange, "generator"] = "nextyear"
    facts = facts_of(build, rows=rows)
    assert facts.named["fakes_of_unknown_generators"] == ["nextyear (2 rows)"]
    assert set(facts.culprits["fakes_of_unknown_generators"]) == set(rows.loc[strange, "image_id"])


def test_a_real_with_an_attribute_and_a_fake_without_root_are_named(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    labels = pd.read_parquet(build / "expanded/labels.parquet")
    real, fake = (rows.loc[rows["label"] == label, "image_id"].iloc[0] for label in ("real", "fake"))
    for image_id, vector in ((real, [1, 0, 0, 1, 1, 0, 0, 0, 0, 0]), (fake, [0] * 10)):
        labels.at[labels.index[labels["image_id"] == image_id][0], "target"] = vector
    facts = facts_of(build, labels=labels)
    assert facts.culprits["reals_with_attributes"] == [real]
    assert facts.culprits["fakes_without_root"] == [fake]


def test_near_duplicates_of_opposite_label_need_a_reason(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    real, fake = (rows.index[(rows["label"] == label) & (rows["split"] == "train")][0] for label in ("real", "fake"))
    rows.loc[[real, fake], "phash"] = "00000000000000ff"
    assert set(facts_of(build, rows=rows).culprits["opposed_near_duplicates"]) == {*rows.loc[[real, fake], "image_id"]}
    rows.loc[fake, "forged_from"] = rows.loc[real, "image_id"]
    assert not facts_of(build, rows=rows).culprits["opposed_near_duplicates"]


def test_a_source_of_fakes_alone_and_one_mostly_refused_are_named(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    rows.loc[rows["label"] == "fake", "source"] = "gan"
    refused = pd.DataFrame({"path": list("abc"), "source": ["gan"] * 3, "reason": ["damaged"] * 3, "used": False})
    named = facts_of(build, rows=rows, quarantine=refused).named
    assert named["lopsided_sources"] == ["gan: 0 real, 12 fake", "s: 16 real, 0 fake"]
    assert named["quarantined_sources"] == ["gan: 20% in quarantine"]


def test_a_frame_that_gave_no_crop_does_not_refuse_its_clip(build):
    frames = pd.DataFrame({"path": list("abc"), "source": "s", "reason": "no face found in frame 5", "used": True})
    facts = facts_of(build, quarantine=frames)
    assert facts.numbers["quarantined_fraction"] == 0
    assert facts.named["quarantined_sources"] == []


def test_without_a_source_of_both_labels_the_association_within_is_not_measured(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    rows.loc[rows["label"] == "fake", "source"] = "gan"
    outcomes = {found.name: found for found in run_suite(rows, facts_of(build, rows=rows), validate())}
    found = outcomes["association_within_sources"]
    assert (found.passed, found.observed) == (False, None)
    assert found.unmeasured == "no source has 10 reals and 10 fakes"


def test_a_class_of_one_size_and_format_is_named(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    fake = rows["label"] == "fake"
    rows.loc[~fake, "format"] = "JPEG"
    rows.loc[~fake, "picture_width"] = range(100, 100 + (~fake).sum())
    facts = facts_of(build, rows=rows)
    assert facts.named["uniform_classes"] == [
        "s: all 12 fakes are 64 x 64 px, the reals are not",
        "s: all 12 fakes are PNG, the reals are not",
        "s: all 16 reals are JPEG, the fakes are not",
    ]
    assert facts.numbers["association_within_sources"] == pytest.approx(1, abs=0.01)
    assert "s: label follows format (1.00)" in facts.named["association_within_sources"]


def test_further_history_takes_part_where_the_manifest_has_it(build):
    rows = read_manifest(build / "dataset/manifest.parquet")
    rows["subsampling"] = rows["label"].map({"real": "4:2:0", "fake": "4:4:4"})
    outcomes = {each.name: each for each in run_suite(rows, facts_of(build, rows=rows), validate())}
    assert not outcomes["association_subsampling"].passed
    assert outcomes["association_subsampling"].title == "label independent of chroma subsampling"


def test_a_lost_source_stops(build, tmp_path, settings):
    write_version(tmp_path / "data.baseline.json", {("gone", "real"): 40, ("s", "real"): 16})
    with pytest.raises(GateError, match="gone/real: 0 rows, 40 in the accepted version"):
        gate(build, tmp_path / "out", settings)
    assert not (tmp_path / "out/passed.json").exists()


def test_a_source_that_grew_is_remarked_on(build):
    rows = read_manifest(build / "dataset/manifest.parquet").assign(source="web", label="unlabelled", labelled=False)
    facts = facts_of(build, rows=rows, accepted={("web", "unlabelled"): 20, ("web", "fake"): 3})
    assert facts.numbers["growth"] == pytest.approx(0.4)
    assert not facts.named["growth"]
    settings = validate(max_growth=0.3)
    named = gather_facts(inputs(build, rows=rows, accepted={("web", "unlabelled"): 20}), settings).named
    assert named["growth"] == ["web/unlabelled: 28 rows, 20 in the accepted version"]


def test_what_is_accepted_passes_next_time(build, tmp_path, settings):
    write_version(tmp_path / "data.baseline.json", {("gone", "real"): 40})
    with pytest.raises(GateError):
        gate(build, tmp_path / "out", settings)
    assert accept(tmp_path / "out", tmp_path / "data.baseline.json").startswith("28 rows of 1 sources accepted")
    gate(build, tmp_path / "out", settings)
    assert json.loads((tmp_path / "out/passed.json").read_text()) == {"passed": True}
    assert "accepted version of 28 rows" in (tmp_path / "out/index.html").read_text()


def test_the_audit_looks_at_so_many_of_each_generator_and_keeps_pairs(build):
    rows = read_manifest(build / "dataset/manifest.parquet").iloc[::-1]
    fakes = rows.index[rows["label"] == "fake"]
    rows.loc[fakes, "group"] = list(rows.loc[rows["label"] == "real", "group"].iloc[: len(fakes)])
    chosen = audited(rows, 5)
    assert chosen["label"].value_counts().to_dict() == {"real": 5, "fake": 5}
    assert chosen.index.is_monotonic_decreasing
    assert set(audited(rows, 9)["image_id"]) >= set(chosen["image_id"])
    assert chosen.loc[chosen["label"] == "fake", "group"].isin(rows.loc[rows["label"] == "real", "group"]).all()


def test_the_first_version_is_called_so(build, tmp_path, settings):
    gate(build, tmp_path / "out", settings)
    assert "First version" in (tmp_path / "out/index.html").read_text()


@pytest.mark.parametrize(
    "text", ["[]", '{"cells": [{"source": "s"}]}', '{"cells": [{"source": "s", "label": "real", "rows": 0}]}']
)
def test_a_damaged_baseline_is_named(build, tmp_path, settings, text):
    (tmp_path / "data.baseline.json").write_text(text)
    with pytest.raises(DataError, match=r"data\.baseline\.json.*unmask accept"):
        gate(build, tmp_path / "out", settings)


def test_failing_rows_are_shown_as_pictures(build, tmp_path, settings):
    copied = Path(shutil.copytree(build, tmp_path / "build"))
    rows = read_manifest(copied / "dataset/manifest.parquet")
    train, test = (rows.index[rows["split"] == split][0] for split in ("train", "test"))
    rows.loc[[train, test], "group"] = "same"
    write_manifest(copied / "dataset/manifest.parquet", rows)
    with pytest.raises(GateError):
        gate(copied, tmp_path / "out", settings)
    page = (tmp_path / "out/index.html").read_text()
    assert "alt='s / real / camera / train'" in page
    assert f"<code>{rows.loc[test, 'image_id']}</code>" in page


@pytest.mark.parametrize(("side", "sound"), [(64, True), (10, False)])
def test_a_difference_mask_is_measured_and_stands_in_the_sheet(build, tmp_path, settings, side, sound):
    copied = Path(shutil.copytree(build, tmp_path / "build"))
    rows, table = read_manifest(copied / "dataset/manifest.parquet"), copied / "expanded/masks.parquet"
    fake = rows.loc[rows["label"] == "fake", "image_id"].min()
    Image.new("L", (side, side), 255).save(tmp_path / "mask.png")
    with ShardWriter(copied / "expanded/masks-a.zip") as shard:
        shard.write("m.png", (tmp_path / "mask.png").read_bytes())
    masks = read_typed(table, MASKS_SCHEMA, remedy="")
    compared = pd.DataFrame({"image_id": [fake], "kind": [DIFFERENCE], "mask_key": ["masks-a.zip/m.png"]})
    write_typed(table, pd.concat([masks, compared]), MASKS_SCHEMA)
    with nullcontext() if sound else pytest.raises(GateError, match="every mask has the size of its crop"):
        gate(copied, tmp_path / "out", settings)
    made = read_manifest(copied / "expanded/manifest.parquet")
    masks = read_typed(table, MASKS_SCHEMA, remedy="")
    sheet = Gallery(copied / "dataset", copied / "expanded", rows, made, masks).forger_sheets()["faceswap"]
    assert sheet.getpixel((TILE_PX + TILE_PX // 2, TILE_PX // 2)) == (255, 255, 255)


def test_the_same_input_gives_the_same_page(build, tmp_path, settings):
    pages = []
    for name in "ab":
        gate(build, tmp_path / name / "out", settings)
        pages.append([path.read_bytes() for path in sorted((tmp_path / name / "out").iterdir())])
    folders = [str(tmp_path / name).encode() for name in "ab"]
    assert [page.replace(folders[1], folders[0]) for page in pages[1]] == pages[0]
