"""The comparison of methods: who is tested where, equal budgets, resumption, and arithmetic; never its figures."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import typer
from typer.testing import CliRunner

from benchmarks.methods.__main__ import chosen_protocols, main
from benchmarks.methods.aims import AIMS, outcomes
from benchmarks.methods.budget import Counts, plan
from benchmarks.methods.cell import Cell, ready, run_cell
from benchmarks.methods.compare import Judged, Number, compare
from benchmarks.methods.prepare import prepare_fold
from benchmarks.methods.protocols import FOLDS, PROTOCOLS, SEEN, STRANGE_REALS, cast_rows, held_domain
from benchmarks.methods.report import REMARKS, gather, page_lines, write_page
from benchmarks.methods.results import Result, finished, read_results, result_path, write_result
from tests.datasets import checkered, row, write_dataset
from unmask.config import load_config
from unmask.data.loading import Crops
from unmask.errors import DataError
from unmask.training.methods import METHODS
from unmask.training.supervised import balanced_batches

ROOT = Path(__file__).parents[2]
SMALL = [
    "preprocess.size_px=20",
    "preprocess.window_px=24",
    "encoder.args={}",
    "scale.device=cpu",
    "scale.precision=fp32",
    "scale.workers=1",
    "pretrain.contrast.queue=16",
    "augment.jpeg_p=0.0",
    "augment.rescale_p=0.0",
    "augment.blur_p=0.0",
    *(f"{stage}.optimiser.batch_size=16" for stage in ("pretrain", "teach", "distill")),
]


def faces(count: int = 240) -> pd.DataFrame:
    """Groups of a real and two fakes of each of the sources that protocols name."""
    kinds = [("real", "camera"), ("fake", "sdxl"), ("fake", "stylegan2"), ("unlabelled", "")]
    rows = [
        {
            "image_id": f"{source}-{group}-{label}-{generator}",
            "source": source,
            "label": label,
            "generator": generator,
            "group": f"{source}-{group}" if generator != "stylegan2" else f"{source}-gan-{group}",
            "domain": "abcde"[group % 5],
        }
        for source in ("sample", "dfdc", "portraits")
        for group in range(count)
        for label, generator in kinds
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_group_is_tested_in_one_fold_and_no_group_plays_two_parts(name: str) -> None:
    protocol = PROTOCOLS[name]
    tested: list[str] = []
    for fold in range(FOLDS):
        rows = cast_rows(faces(), protocol, fold)
        kept = rows[rows["split"] != "excluded"]
        assert (kept.groupby("group")["split"].nunique() == 1).all()
        assert {"train", "val", "test"} == set(kept["split"])
        assert not rows.loc[rows["label"] == "unlabelled", "labelled"].any()
        assert rows.loc[(rows["part"] != "train") & (rows["split"] != "excluded"), "labelled"].all()
        own = rows[rows["source"].isin(protocol.sources) & (rows["label"] == "real") & (rows["split"] == "test")]
        tested += own["group"].tolist()
    if not protocol.hold_out_domain:
        assert len(tested) == len(set(tested)) == 240


@pytest.mark.parametrize("name", ["stylegan2", "sdxl"])
def test_what_is_left_out_is_never_learnt_nor_chosen_by(name: str) -> None:
    rows = cast_rows(faces(), PROTOCOLS[name], 0)
    learnt = rows[rows["split"].isin(["train", "val"])]
    assert name not in set(learnt["generator"])
    assert set(rows.loc[rows["part"] == "unseen", "generator"]) == {name}
    strange = rows[rows["source"] == PROTOCOLS[name].strange_source]
    assert set(strange["split"]) == {"test"}
    halves = [set(strange.loc[strange["part"] == part, "group"]) for part in ("threshold", "other")]
    assert all(halves)
    assert not halves[0] & halves[1]


def test_reals_of_another_source_are_capped_by_group() -> None:
    protocol = dataclasses.replace(PROTOCOLS["sdxl"], strange_groups=30)
    rows = cast_rows(faces(), protocol, 1)
    used = rows[(rows["source"] == protocol.strange_source) & (rows["split"] == "test")]
    assert used["group"].nunique() == 30


def test_training_groups_are_bounded_and_tested_ones_are_not() -> None:
    every = dataclasses.replace(PROTOCOLS["manipulations"], train_groups=0)
    few, all_of = (cast_rows(faces(), protocol, 1) for protocol in (dataclasses.replace(every, train_groups=20), every))
    assert few.loc[few["split"] == "train", "group"].nunique() == 20
    for part in ("validation", "seen", "unseen", "both"):
        assert set(few.loc[few["part"] == part, "image_id"]) == set(all_of.loc[all_of["part"] == part, "image_id"])


def test_a_held_out_domain_is_only_tested() -> None:
    for fold in range(FOLDS):
        rows = cast_rows(faces(), PROTOCOLS["domain"], fold)
        held = rows[rows["domain"] == held_domain(rows, fold)]
        assert set(held["split"]) == {"test", "excluded"}  # excluded are the unlabelled ones
        assert set(rows.loc[rows["part"] == "unseen", "domain"]) == {held_domain(rows, fold)}


def test_few_labels_are_few() -> None:
    rows = cast_rows(faces(2000), PROTOCOLS["labels"], 0)
    train = rows[(rows["split"] == "train") & (rows["label"] == "real")]
    assert 0.03 < train["labelled"].mean() < 0.07


def flags(real: int, fake: int, hidden: int) -> Crops:
    count = real + fake + hidden
    place = torch.arange(count)
    blank = torch.zeros(count, 1)
    return Crops(
        image_id=[str(n) for n in range(count)],
        windows=blank,
        target=blank,
        known=blank,
        real=place < real,
        fake=(place >= real) & (place < real + fake),
        reported=torch.zeros(count, dtype=torch.bool),
        domain=place,
        group=place,
    )


@pytest.mark.parametrize(("real", "fake"), [(100, 300), (5, 9), (64, 64)])
def test_the_budget_counts_what_training_draws(real: int, fake: int) -> None:
    config = load_config(ROOT)
    spent = plan(METHODS["erm"], Counts(real + fake, real, fake), config, passes=1.0)
    batches = balanced_batches(flags(real, fake, 0), config.teach.optimiser.batch_size, seed=1, epoch=0)
    assert spent.teach == 1
    assert spent.passes == sum(map(len, batches))


@pytest.mark.parametrize("preset", METHODS)
def test_every_preset_spends_the_same(preset: str) -> None:
    config, method = load_config(ROOT), METHODS[preset]
    spent = plan(method, Counts(6000, 300, 300), config, passes=200_000)
    assert spent.passes == pytest.approx(200_000, rel=0.03)
    assert bool(spent.pretrain) == method.contrast
    assert bool(spent.distill) == method.distil


def test_epochs_come_with_their_share_of_cross_entropy() -> None:
    config = load_config(ROOT, ["teach.epochs=20", "teach.bce_epochs=8"])
    spent = plan(METHODS["sjedd"], Counts(640, 320, 320), config, passes=20_000)
    words = dict(word.split("=") for word in spent.overrides(config))
    assert int(words["teach.bce_epochs"]) == round(spent.teach * 0.4)


def judged(offset: float, *, seed: int = 1, groups: int = 200) -> Judged:
    """Reals around 0 and fakes OFFSET above; those of another source a little above the reals."""
    draw = np.random.default_rng(seed)
    fake = np.arange(groups) % 2 == 1
    logit = draw.normal(0, 1, groups) + offset * fake
    part = np.where(fake, "unseen", np.where(np.arange(groups) % 4 == 0, "other", "both"))
    rows = pd.DataFrame({"group": [f"g{n}" for n in range(groups)], "fake": fake, "part": part, "logit": logit})
    return Judged(rows, {"other": 1.0, "own": 2.0})


UNSEEN = dataclasses.replace(SEEN, name="unseen", parts=("unseen", "both"))


def test_equal_candidates_differ_by_nothing() -> None:
    numbers = compare(UNSEEN, {"erm": [judged(1.0)], "full": [judged(1.0)]}, "erm")
    assert numbers["full - erm"].mean == 0
    assert numbers["full - erm"].interval == (0, 0)
    assert numbers["erm"].spread is None


def test_a_better_candidate_is_told_from_chance_and_folds_are_averaged() -> None:
    candidates = {"erm": [judged(0.2), judged(0.2, seed=2)], "full": [judged(2.0), judged(2.0, seed=2)]}
    numbers = compare(UNSEEN, candidates, "erm")
    gain = numbers["full - erm"]
    assert gain.interval is not None
    assert gain.interval[0] > 0.1
    assert gain.mean == pytest.approx(np.mean(gain.by_fold))
    assert gain.mean == pytest.approx(numbers["full"].mean - numbers["erm"].mean)
    assert numbers["full"].spread == pytest.approx(np.std(numbers["full"].by_fold, ddof=1))


def test_shares_above_a_threshold_are_counted_on_their_class_alone() -> None:
    each = judged(1.0)
    rows = each.rows
    for column in STRANGE_REALS:
        chosen = rows[rows["fake"]] if column.kind == "recall" else rows[rows["part"] == "other"]
        number = compare(column, {"erm": [each]}, "erm")["erm"]
        assert number.mean == pytest.approx((chosen["logit"] > each.thresholds[column.threshold]).mean())


def number(mean: float, spread: float = 0.01) -> Number:
    return Number(mean, spread, (mean - 0.02, mean + 0.02), (mean,))


def test_an_aim_is_met_at_its_mark_and_missed_by_what_lacks() -> None:
    aim = AIMS[0]
    met, missed = (
        next(outcomes({(aim.protocol, aim.column): {f"{aim.preset} - erm": number(found)}}, {}))
        for found in (aim.least, aim.least - 0.02)
    )
    assert met.met
    assert not missed.met
    assert missed.missed_by == pytest.approx(0.02)


@pytest.mark.parametrize(("full", "met"), [(0.72, True), (0.695, True), (0.68, False)])
def test_full_may_be_its_spread_behind_the_best(full: float, met: bool) -> None:
    numbers = {"erm": number(0.6), "sjedd": number(0.7), "full": number(full), "full - erm": number(0.1)}
    (found,) = outcomes({("sdxl", "unseen"): numbers}, {})
    assert found.met == met
    assert "sjedd" in found.text


def test_a_student_may_lose_a_hundredth() -> None:
    found = list(outcomes({}, {("labels", "sclkd"): number(-0.009), ("labels", "full"): number(-0.03)}))
    assert [each.met for each in found] == [True, False]
    assert found[1].missed_by == pytest.approx(0.02)


def test_false_positives_are_nothing_to_be_best_in() -> None:
    for column in ("fpr", "recall, own threshold"):
        assert not list(outcomes({("sdxl", column): {"erm": number(0.1), "full": number(0.2)}}, {}))


def result(preset: str, fold: int, **changes: object) -> Result:
    facts = {
        "key": "k",
        "protocol": "labels",
        "preset": preset,
        "fold": fold,
        "data": "d",
        "code": "c",
        "overrides": [],
        "shortcut": {"seen": {"auc": 0.61, "with_chroma": None}},
        "budget": 100.0,
        "passes": 98,
        "epochs": {"teach": 1},
        "seconds": {"teach": 60.0},
        "validation": {"teacher": 0.6},
        "chosen": "teacher",
        "thresholds": {},
    }
    return Result(**{**facts, **changes})


def write_made(out: Path, presets: dict[str, float], folds: int = 2, **changes: object) -> None:
    for preset, offset in presets.items():
        for fold in range(folds):
            rows = judged(offset, seed=fold).rows.replace({"part": {"unseen": "seen", "other": "both"}})
            rows = rows.assign(teacher=rows["logit"], student=rows["logit"] / 2).drop(columns="logit")
            write_result(out, result(preset, fold, **changes), rows)


def test_the_page_tells_means_differences_and_aims_and_keeps_remarks(tmp_path: Path) -> None:
    write_made(tmp_path, {"erm": 0.2, "sclkd": 1.5, "full": 1.5})
    page = tmp_path / "page.md"
    write_page(page, gather(tmp_path))
    text = page.read_text()
    assert "| labels, seen | 0.610 (too few rows) |" in text
    assert text.count(REMARKS) == 1
    (aim,) = (line for line in text.splitlines() if "sclkd at least 0.05 above erm" in line)
    assert aim.endswith("| met |")
    page.write_text(text.replace("Not written yet", "Because"))
    write_page(page, gather(tmp_path))
    assert "Because: for each missed aim" in page.read_text()


def test_presets_are_compared_on_the_folds_that_all_of_them_have(tmp_path: Path) -> None:
    write_made(tmp_path, {"erm": 0.2, "sclkd": 1.5})
    result_path(tmp_path, "labels", "erm", 1).unlink()
    compared = gather(tmp_path).compared["labels", "seen"]
    assert len(compared["sclkd"].by_fold) == 1


@pytest.mark.parametrize("what", ["data", "code", "overrides"])
def test_cells_that_do_not_belong_together_are_refused(tmp_path: Path, what: str) -> None:
    write_made(tmp_path, {"erm": 0.2})
    write_made(tmp_path, {"full": 0.2}, **{what: "other"})
    with pytest.raises(DataError, match=f"labels: its cells differ in {what}"):
        read_results(tmp_path)


def test_without_real_pictures_only_the_sample_is_left() -> None:
    assert set(chosen_protocols(None, None, with_real=False)) == {"domain", "manipulations"}
    assert set(chosen_protocols(None, None, with_real=True)) == set(PROTOCOLS)
    assert chosen_protocols(["sdxl"], ["all"], with_real=True)["sdxl"].presets == tuple(METHODS)
    with pytest.raises(typer.BadParameter, match="none-such"):
        chosen_protocols(["none-such"], None, with_real=True)


def test_a_table_of_nothing_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer()
    app.command()(main)
    ended = CliRunner().invoke(app, ["--table", "--out", str(tmp_path)])
    assert ended.exit_code == 1
    assert "no finished cell; run `python -m benchmarks.methods` first" in ended.output + capfd.readouterr().err


def test_a_cell_is_trained_once_and_again_only_when_something_changed(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    rows = [row(n, label="real" if n % 2 else "fake", split="train", labelled=True) for n in range(240)]
    dataset, _ = write_dataset(tmp_path, rows, checkered, n_labels=10)
    protocol = dataclasses.replace(PROTOCOLS["labels"], sources=("s",), labelled=0.5, validation=0.2)
    place = prepare_fold(dataset, tmp_path / "fold", protocol, 0, load_config(ROOT, SMALL))
    cell = Cell(protocol="labels", preset="full", fold=0, passes=600, place=place)
    each, out = ready(cell, ROOT, SMALL), tmp_path / "out"
    path = result_path(out, *cell.place_in_table)
    assert not finished(path, each.key)
    told = run_cell(each, scratch=tmp_path / "scratch", out=out)
    assert told.chosen in {"teacher", "student"}
    assert told.passes == round(each.plan.passes)
    assert finished(path, ready(cell, ROOT, SMALL).key)
    for other in (
        ready(cell, ROOT, [*SMALL, "teach.bce_mix=0.4"]),
        ready(dataclasses.replace(cell, preset="erm"), ROOT, SMALL),
        ready(dataclasses.replace(cell, passes=6000), ROOT, SMALL),
    ):
        assert not finished(path, other.key)
    assert list((tmp_path / "scratch/pretrain").glob("*/encoder.safetensors"))
    assert not list((tmp_path / "scratch/cells").iterdir())
    lines = "\n".join(page_lines(gather(out, {"labels": protocol})))
    assert "the student of full" in lines
