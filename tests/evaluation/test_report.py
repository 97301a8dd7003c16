import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from tests.evaluation.synthetic import judge, make_predictions
from unmask.config import Evaluate
from unmask.evaluation.gate import Shortcut
from unmask.evaluation.measure import Candidate, generator_rows
from unmask.evaluation.report import Findings, render
from unmask.evaluation.worst import Mistake

EVIL = "<script>alert('x')</script>"


NUMBER = {"value": 0.9123, "low": 0.88, "high": 0.95}
NOTHING = {"value": None, "low": None, "high": None, "reason": "only 0 intact"}
POINTED = dict.fromkeys(("hit", "chance", "centre", "above_chance", "above_centre"), NUMBER)
EXPLAINED = {
    "attributes": [{"label": "fake", "all": NUMBER, "fakes": None}, {"label": "lip", "all": NUMBER, "fakes": NOTHING}],
    "pointing": {
        "tolerance": 0.03,
        "cut_off": 3,
        "everywhere": 0,
        "rows": [{"name": "all", "fakes": 60, **POINTED, "hit": NUMBER | {"value": 0.777}}],
    },
}


@pytest.fixture(scope="module")
def candidates(settings: Evaluate) -> list[Candidate]:
    return [judge(name, make_predictions(seed), settings) for seed, name in enumerate(("student", "teacher"))]


@pytest.fixture(scope="module")
def page(candidates: list[Candidate], settings: Evaluate) -> Callable[..., str]:
    def build(**changes: object) -> str:
        shortcut = [
            {"source": "s0", "generator": "swap", "auc": 0.61},
            {"source": "s0", "generator": "warp", "auc": 0.99},
        ]
        values = {
            "candidates": candidates,
            "generators": generator_rows(candidates, shortcut),
            "shortcut": Shortcut([], 0.64, 0.83),
            "explanations": {"student": EXPLAINED},
            "note": "",
            "failed_soft": [],
            "mistakes": {"real": [], "fake": []},
            "histories": {"student": pd.DataFrame({"epoch": [0, 1], "loss": [1.0, 0.5], "validation_auc": [0.6, 0.8]})},
            "unknown": ["the moon"],
            "identity": {"data": "abc"},
            "settings": settings,
        }
        return render(Findings(**(values | changes)))  # type: ignore[arg-type]

    return build


def test_the_headline_stands_with_its_interval_and_its_rows(
    page: Callable[..., str], candidates: list[Candidate]
) -> None:
    auc = candidates[0].find("seen")["metrics"]["auc"]
    text = page()
    assert f">{auc['value']:.3f}<" in text
    assert f"{auc['low']:.3f} to {auc['high']:.3f}" in text
    assert f"{auc['n_real']} real, {auc['n_fake']} fake" in text


def test_the_shortcut_stands_beside_the_detector(page: Callable[..., str]) -> None:
    text = page()
    assert "shortcut 0.610" in text
    assert "alone reach 0.640, with the noise of colour 0.830" in text


def test_a_detector_not_clearly_above_the_shortcut_is_marked(page: Callable[..., str]) -> None:
    assert page().count("not clearly above the shortcut</span>") == 1


def test_the_drawn_sample_raises_a_banner(page: Callable[..., str]) -> None:
    assert "banner sample" not in page()
    assert "Smoke test on the drawn sample" in page(note="smoke test on the drawn sample")


def test_failed_soft_expectations_are_shown(page: Callable[..., str]) -> None:
    assert "format tells the label" in page(failed_soft=["format tells the label"])


def test_text_from_data_is_escaped(page: Callable[..., str]) -> None:
    mistake = Mistake(EVIL, "fake", EVIL, EVIL, 0.1, "real", EVIL, "QUJD")
    text = page(
        note=EVIL, failed_soft=[EVIL], unknown=[EVIL], identity={EVIL: EVIL}, mistakes={"real": [], "fake": [mistake]}
    )
    assert "<script" not in text
    assert "alert" in text


def test_names_in_slices_and_charts_are_escaped(settings: Evaluate, page: Callable[..., str]) -> None:
    frame = make_predictions().assign(domain=EVIL, source=EVIL, generator=EVIL)
    evil = [judge("student", frame, settings)]
    text = page(candidates=evil, generators=generator_rows(evil, []), histories={})
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_the_page_needs_nothing_from_outside(page: Callable[..., str]) -> None:
    text = page()
    links = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", text)
    assert all(link.startswith("data:") for link in links)
    assert "default-src 'none'" in text
    assert len(text) < 500_000


def test_the_page_is_the_same_for_the_same_findings(page: Callable[..., str]) -> None:
    assert page() == page()


def test_one_candidate_without_training_curves_still_makes_a_page(
    page: Callable[..., str], candidates: list[Candidate]
) -> None:
    text = page(candidates=candidates[:1], generators=generator_rows(candidates[:1], []), histories={})
    assert "teacher" not in re.sub(r"<style>.*</style>", "", text, flags=re.DOTALL)


def test_a_slice_without_a_number_shows_why(settings: Evaluate, page: Callable[..., str]) -> None:
    frame = make_predictions()
    frame = frame[frame["seen"] | (frame["split"] == "val")]
    seen_only = [judge("student", frame, settings)]
    assert "unknown: only 0 fake" in page(candidates=seen_only, generators=generator_rows(seen_only, []))


def test_explanations_show_each_label_and_the_map_beside_chance(page: Callable[..., str]) -> None:
    text = page()
    assert '<div class="name">lips</div>' in text
    assert "unknown: only 0 intact" in text
    assert "<td>77.7%<small>88.0%" in text
    assert "Left out: 3 whose forged part lies outside the crop." in text
    assert "no place misses" not in text


def test_clips_get_a_table_of_their_own(settings: Evaluate, page: Callable[..., str]) -> None:
    with_clips = [judge("student", make_predictions(clips=True), settings)]
    assert "Clips (mean of their frames)" in page(candidates=with_clips, generators=generator_rows(with_clips, []))
    assert "Clips (mean of their frames)" not in page()


def test_a_constant_training_curve_is_drawn(page: Callable[..., str]) -> None:
    flat = pd.DataFrame({"epoch": [0], "loss": [0.5], "validation_auc": [np.nan]})
    assert "Training loss" in page(histories={"student": flat})
