import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest

from unmask.config import Evaluate
from unmask.evaluation.slices import by_clip, measure_slice, slices
from unmask.serving.verdict import Thresholds, calibrate

THRESHOLDS = Thresholds(fake=0.8, real=0.3)


def _rows(**columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(columns)
    defaults = {"source": "s", "domain": "d", "clip": "", "seen": True}
    frame = frame.assign(**{name: value for name, value in defaults.items() if name not in frame})
    if "group" not in frame:
        frame["group"] = [f"g{index}" for index in range(len(frame))]
    return frame.assign(p_fake=calibrate(frame["logit"].to_numpy(dtype=np.float64), 1.0))


def _mixed(reals: int = 20, fakes: int = 20, **columns: Any) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    labels = ["real"] * reals + ["fake"] * fakes
    logit = generator.normal(size=reals + fakes) + np.array([2.0 * (label == "fake") for label in labels])
    made_by = ["camera"] * reals + ["swap"] * fakes
    return _rows(label=labels, generator=made_by, logit=logit, **columns)


def _measure(frame: pd.DataFrame, name: str, settings: Evaluate, level: str = "frame") -> dict[str, Any]:
    part = next(one for one in slices(frame, {}, temperature=1.0) if (one.name, one.level) == (name, level))
    return measure_slice(part, THRESHOLDS, settings, seed=0)


def test_every_number_says_its_interval_and_its_rows(settings: Evaluate) -> None:
    auc = _measure(_mixed(), "all", settings)["metrics"]["auc"]
    assert auc["low"] < auc["value"] < auc["high"]
    assert (auc["n_real"], auc["n_fake"]) == (20, 20)


def test_a_slice_too_small_gives_a_reason_instead_of_a_number(settings: Evaluate) -> None:
    numbers = _measure(_mixed(reals=40, fakes=9), "all", settings)["metrics"]
    assert numbers["auc"]["value"] is None
    assert numbers["auc"]["reason"] == "only 9 fake"
    assert numbers["recall"]["value"] is None
    assert numbers["fpr"]["value"] is not None  # needs reals only


def test_a_single_group_gives_no_number(settings: Evaluate) -> None:
    frame = _mixed(group=["one"] * 40)
    assert _measure(frame, "all", settings)["metrics"]["auc"]["reason"] == "every real is of one group"


def test_an_empty_slice_is_described_without_numbers(settings: Evaluate) -> None:
    row = _measure(_mixed(fakes=0), "unseen", settings)
    assert row["n_fake"] == 0
    assert row["metrics"]["auc"]["value"] is None


def test_no_error_among_few_reals_does_not_look_like_certainty(settings: Evaluate) -> None:
    frame = _rows(
        label=["real"] * 30 + ["fake"] * 30, generator=["camera"] * 30 + ["swap"] * 30, logit=[-9.0] * 30 + [9.0] * 30
    )
    numbers = _measure(frame, "all", settings)["metrics"]
    assert (numbers["fpr"]["value"], numbers["fpr"]["low"]) == (0.0, 0.0)
    assert numbers["fpr"]["high"] == pytest.approx(1 - 0.025 ** (1 / 30), abs=1e-4)
    assert numbers["auc"]["low"] == pytest.approx(0.025 ** (1 / 30), abs=1e-4)


def test_seen_and_unseen_fakes_meet_the_same_reals() -> None:
    frame = _mixed(seen=[True] * 30 + [False] * 10)
    counts = {
        part.name: part.rows["label"].value_counts().to_dict()
        for part in slices(frame, {}, temperature=1.0)
        if part.kind == "overall"
    }
    assert counts["seen"] == {"real": 20, "fake": 10}
    assert counts["unseen"] == {"real": 20, "fake": 10}


def test_a_generator_meets_the_reals_of_its_own_source() -> None:
    frame = pd.concat([_mixed(source="a"), _mixed(source="b", reals=15)])
    part = next(one for one in slices(frame, {}, temperature=1.0) if one.name == "b / swap")
    assert part.reference == "its source"
    assert set(part.rows["source"]) == {"b"}
    assert (part.rows["label"] == "real").sum() == 15


def test_a_source_without_reals_meets_all_of_them_and_says_so() -> None:
    frame = pd.concat([_mixed(source="a"), _mixed(source="b", reals=0)])
    part = next(one for one in slices(frame, {}, temperature=1.0) if one.name == "b / swap")
    assert part.reference == "all sources"
    assert set(part.rows.loc[part.rows["label"] == "real", "source"]) == {"a"}


def test_a_source_without_reals_meets_those_that_the_shortcut_audit_met() -> None:
    frame = pd.concat([_mixed(source="a"), _mixed(source="c"), _mixed(source="b", reals=0)])
    part = next(one for one in slices(frame, {("b", "swap"): "c"}, temperature=1.0) if one.name == "b / swap")
    assert part.reference == "c"
    assert set(part.rows.loc[part.rows["label"] == "real", "source"]) == {"c"}


def test_manipulations_of_one_video_stay_separate_clips() -> None:
    """U-E3."""
    names = ["deepfakes", "face2face", "faceswap", "neuraltextures"]
    frame = _rows(
        label=["fake"] * 8, generator=[name for name in names for _ in range(2)], clip="000_003", logit=np.arange(8.0)
    )
    clips = by_clip(frame, temperature=2.0)
    assert clips["generator"].tolist() == names
    assert clips["logit"].tolist() == [0.5, 2.5, 4.5, 6.5]
    assert clips["p_fake"].tolist() == calibrate(np.array([0.25, 1.25, 2.25, 3.25]), 1.0).tolist()


def test_a_picture_without_a_clip_counts_alone_among_clips() -> None:
    frame = _rows(label=["fake"] * 5, generator="swap", clip=["a", "", "a", "", "b"], logit=[0.0, 1.0, 2.0, 3.0, 9.0])
    clips = by_clip(frame, temperature=1.0)
    assert sorted(zip(clips["clip"], clips["logit"], strict=True)) == [("", 1.0), ("", 3.0), ("a", 1.0), ("b", 9.0)]
    assert set(clips.loc[clips["clip"] == "", "group"]) == {"g1", "g3"}


def test_the_temperature_does_not_reorder_clips() -> None:
    frame = _rows(label=["fake"] * 4, generator="swap", clip=["a", "a", "b", "b"], logit=[9.0, -2.0, 3.2, 3.0])
    orders = [by_clip(frame, temperature)["p_fake"].argsort().tolist() for temperature in (0.2, 1.0, 20.0)]
    assert orders == [[1, 0]] * 3


def test_clips_are_measured_beside_frames(settings: Evaluate) -> None:
    frame = _mixed(reals=60, fakes=60, clip=[f"c{index // 3}" for index in range(120)])
    row = _measure(frame, "all", settings, level="clip")
    assert (row["n_real"], row["n_fake"]) == (20, 20)
    assert row["metrics"]["auc"]["value"] > _measure(frame, "all", settings)["metrics"]["auc"]["value"]


def test_pictures_without_clips_have_no_clip_slice() -> None:
    assert {part.level for part in slices(_mixed(), {}, temperature=1.0)} == {"frame"}


def test_the_confidence_widens_the_interval(settings: Evaluate) -> None:
    narrow = _measure(_mixed(), "all", dataclasses.replace(settings, confidence=0.5))["metrics"]["auc"]
    wide = _measure(_mixed(), "all", settings)["metrics"]["auc"]
    assert wide["low"] < narrow["low"]
    assert narrow["high"] <= wide["high"]
