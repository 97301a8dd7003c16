import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from unmask.config import Config
from unmask.errors import DataError
from unmask.evaluation.comparison.compare import Decision, compare
from unmask.evaluation.comparison.rule import Latency
from unmask.evaluation.comparison.sides import read_side
from unmask.files import write_json

Write = Callable[..., Path]
FAST = Latency(3.0, (2.5, 4.0))


def _compare(champion: Path, challenger: Path, config: Config, trigger: str = "") -> Decision:
    return compare(read_side(champion), read_side(challenger), FAST, config=config, trigger=trigger)


def test_a_better_challenger_is_promoted(
    write: Write, frame: pd.DataFrame, better: pd.DataFrame, config: Config
) -> None:
    decision = _compare(write("a", frame), write("b", better), config)
    assert decision.verdict == "promote", [check for check in decision.checks if not check.passed]
    assert decision.rows == (frame["split"] == "test").sum()
    assert {"overall:all", "overall:unseen", "generator:s0 / swap", "source:s0", "domain:d0"} <= {
        one.title for one in decision.differences
    }
    assert json.loads(json.dumps(decision.to_dict(), allow_nan=False))["verdict"] == "promote"


def test_the_same_model_is_kept(write: Write, frame: pd.DataFrame, config: Config) -> None:
    decision = _compare(write("a", frame), write("b", frame), config)
    assert decision.verdict == "keep"
    assert not decision.checks[0].passed


def test_rows_that_one_side_lacks_count_for_neither(
    write: Write, frame: pd.DataFrame, better: pd.DataFrame, config: Config
) -> None:
    test = frame.index[frame["split"] == "test"]
    # The challenger leaves out the fakes that it would get wrong: they must not flatter it.
    decision = _compare(write("a", frame.drop(test[:5])), write("b", better.drop(test[-7:])), config)
    assert decision.rows == len(test) - 12
    assert any("7 test rows are only in" in note and "/a/" in note for note in decision.notes)
    assert any("5 test rows are only in" in note and "/b/" in note for note in decision.notes)


def test_too_few_shared_rows_are_refused(write: Write, frame: pd.DataFrame, config: Config) -> None:
    lost = frame.drop(frame.index[frame["split"] == "test"][::5])
    with pytest.raises(DataError, match=r"promote\.min_shared, 90%"):
        _compare(write("a", frame), write("b", lost), config)


def test_rows_with_another_label_count_for_neither(
    write: Write, frame: pd.DataFrame, better: pd.DataFrame, config: Config
) -> None:
    row = better.index[(better["split"] == "test") & (better["label"] == "fake")][0]
    changed = better.assign(label=better["label"].where(better.index != row, "real"))
    decision = _compare(write("a", frame), write("b", changed), config)
    assert decision.rows == (frame["split"] == "test").sum() - 1
    assert any("1 rows have another label" in note for note in decision.notes)


def test_a_training_row_of_the_challenger_is_no_test_row(
    write: Write, frame: pd.DataFrame, better: pd.DataFrame, config: Config
) -> None:
    learnt = better["group"] == better.loc[better["split"] == "test", "group"].iloc[0]
    moved = better.assign(split=better["split"].mask(learnt, "val"))
    decision = _compare(write("a", frame), write("b", moved), config)
    assert decision.rows == (frame["split"] == "test").sum() - learnt.sum()


def test_groups_of_either_side_are_joined(write: Write, frame: pd.DataFrame, config: Config) -> None:
    merged = frame.assign(group=frame["split"] + frame["group"].str[-2:])
    apart = _compare(write("a", frame), write("b", frame), config).differences[0]
    joined = _compare(write("c", merged), write("d", frame), config).differences[0]
    assert joined.groups < apart.groups
    assert joined.groups == merged.loc[merged["split"] == "test", "group"].nunique()


def _reported(number: int, logit: float | None) -> dict:
    return {"sha256": f"{number:064x}", "label": "fake", "splits": ["test"], "logit": logit}


def test_a_reported_mistake_that_comes_back_keeps_the_champion(
    write: Write, frame: pd.DataFrame, better: pd.DataFrame, config: Config
) -> None:
    ours = [_reported(0, 9.0), *(_reported(number, -9.0) for number in range(1, 4))]
    theirs = [_reported(0, -9.0), *(_reported(number, 9.0) for number in range(1, 4))]
    decision = _compare(write("a", frame, regression=ours), write("b", better, regression=theirs), config)
    failed = [check for check in decision.checks if not check.passed]
    assert [check.name for check in failed] == ["reported mistakes still right, share"]
    assert "fake, yet the verdict is real" in failed[0].reason
    assert any(check.reason.startswith("1 to 3 of 4, 0 of them training") for check in decision.checks)


def test_a_reported_mistake_is_judged_by_the_sides_own_calibration(write: Write, frame: pd.DataFrame) -> None:
    folder = write("a", frame, regression=[_reported(0, -0.5)])
    calibration = json.loads((folder / "calibration.json").read_text())
    for fake, real, passed in ((0.9, 0.1, True), (0.9, 0.8, False)):
        calibration["student"] |= {"temperature": 1.0, "thresholds": {"fake": fake, "real": real}}
        write_json(folder / "calibration.json", calibration)
        assert read_side(folder).regression[0]["passed"] is passed


def test_a_regression_file_without_log_odds_names_the_remedy(write: Write, frame: pd.DataFrame) -> None:
    folder = write("a", frame, regression=[{"sha256": "a" * 64, "label": "fake", "splits": []}])
    with pytest.raises(DataError, match="'logit'; run `dvc repro evaluate`"):
        read_side(folder)


def test_a_mistake_that_one_side_was_not_scored_on_is_told(
    write: Write, frame: pd.DataFrame, better: pd.DataFrame, config: Config
) -> None:
    ours, theirs = ([_reported(number, 9.0) for number in range(count)] for count in (1, 3))
    decision = _compare(write("a", frame, regression=ours), write("b", better, regression=theirs), config)
    assert decision.verdict == "promote"
    assert any(note.startswith("2 reported mistakes were scored on one side only") for note in decision.notes)


def _tiers(folder: Path, frame: pd.DataFrame, *, drop: float) -> None:
    rows = frame[frame["split"] == "test"]
    hurt = rows["logit"] - drop * (rows["label"] == "fake")
    plan = {"clean": rows["logit"], "web": hurt, "jpeg 1": hurt * 0}
    parts = [rows[["image_id"]].assign(candidate="student", name=name, logit=logit) for name, logit in plan.items()]
    pd.concat(parts).to_parquet(folder / "tier_scores.parquet", index=False)
    swept = {"jpeg 1": "jpeg"}
    write_json(folder / "tiers.json", {"student": [{"name": name, "sweep": swept.get(name)} for name in plan]})


@pytest.mark.parametrize("drop", [0.0, 4.0])
def test_tiers_are_checked_on_the_same_rows(
    write: Write, frame: pd.DataFrame, better: pd.DataFrame, config: Config, drop: float
) -> None:
    champion, challenger = write("a", frame), write("b", better)
    _tiers(champion, frame, drop=0.0)
    _tiers(challenger, better, drop=drop)
    checks = {check.name: check.passed for check in _compare(champion, challenger, config).checks}
    assert checks["not worse on tier:web, AUC"] is (drop == 0)
    assert not any("clean" in name or "jpeg" in name for name in checks)


@pytest.mark.parametrize("kept", [0.0, 0.8])
def test_a_tier_that_the_challenger_was_hardly_tried_on_keeps_the_champion(
    write: Write, frame: pd.DataFrame, better: pd.DataFrame, config: Config, kept: float
) -> None:
    champion, challenger = write("a", frame), write("b", better)
    _tiers(champion, frame, drop=0.0)
    if kept:
        _tiers(challenger, better.sample(frac=kept, random_state=0), drop=0.0)
    decision = _compare(champion, challenger, config)
    assert [check.name for check in decision.checks if not check.passed] == ["tier:web scored by both"]


def test_a_setting_out_of_range_is_named(write: Write, frame: pd.DataFrame, config: Config) -> None:
    odd = dataclasses.replace(config, promote=dataclasses.replace(config.promote, margin=2.0))
    with pytest.raises(DataError, match=r"promote\.margin"):
        _compare(write("a", frame), write("b", frame), odd)


def test_an_unknown_candidate_names_those_there_are(write: Write, frame: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="no candidate 'teacher', only student"):
        read_side(write("a", frame), candidate="teacher")


@pytest.mark.parametrize("name", ["predictions.parquet", "calibration.json", "slices.json"])
def test_a_missing_or_damaged_file_is_named(write: Write, frame: pd.DataFrame, name: str) -> None:
    folder = write("a", frame)
    (folder / name).write_bytes(b"{")
    with pytest.raises(DataError, match=name):
        read_side(folder)
    (folder / name).unlink()
    with pytest.raises(DataError, match=name):
        read_side(folder)


def test_a_calibration_without_temperature_is_named(write: Write, frame: pd.DataFrame) -> None:
    folder = write("a", frame)
    write_json(folder / "calibration.json", {"student": {"thresholds": {"fake": 0.9, "real": 0.1}}})
    with pytest.raises(DataError, match="'temperature'"):
        read_side(folder)


@pytest.mark.parametrize(("change", "told"), [("nan", "scores .* nan"), ("twice", "twice")])
def test_rows_that_can_not_be_trusted_are_refused(write: Write, frame: pd.DataFrame, change: str, told: str) -> None:
    folder = write("a", frame)
    rows = pd.read_parquet(folder / "predictions.parquet")
    odd = rows.assign(logit=float("nan")) if change == "nan" else pd.concat([rows, rows.head(8)])
    odd.to_parquet(folder / "predictions.parquet", index=False)
    with pytest.raises(DataError, match=told):
        read_side(folder)
