import html
import itertools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.evaluation.report.folder import NUMBER, checks, judged, mistake, write_evaluation
from tests.evaluation.synthetic import judge, make_predictions
from unmask.cli import app
from unmask.config import Evaluate
from unmask.errors import DataError
from unmask.evaluation.measure import Candidate
from unmask.evaluation.record import write_mistakes
from unmask.evaluation.report.page import SECTIONS, write_report
from unmask.files import read_json, write_json

EVIL = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>{{ 7 * 7 }}"
Page = Callable[[Path], str]
CSS = (Path(__file__).parents[3] / "src/unmask/evaluation/report/style.css").read_text()


def section(text: str, name: str) -> str:
    """One section without its markup, spaces made single."""
    body = text.split(f'<section id="{name}"')[1].split("</section>", maxsplit=1)[0]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_the_headline_stands_with_its_interval_and_its_rows(
    page: Page, whole: Path, candidates: list[Candidate]
) -> None:
    auc = candidates[0].find("seen")["metrics"]["auc"]
    text = section(page(whole), "headline")
    assert f"{auc['value']:.3f} {auc['low']:.3f} to {auc['high']:.3f}" in text
    assert f"{auc['n_real']} real, {auc['n_fake']} fake" in text


def test_file_statistics_stand_beside_the_detector(page: Page, whole: Path) -> None:
    text = page(whole)
    assert "File statistics alone: 0.640 on all fakes (0.830 with the noise of colour)" in section(text, "headline")
    assert "at most 0.990 on one of these generators" in section(text, "headline")
    assert "file statistics 0.610" in section(text, "generators")
    assert "AUC, file statistics" in section(text, "slices")


def test_a_detector_not_clearly_above_file_statistics_is_marked(page: Page, whole: Path) -> None:
    assert section(page(whole), "generators").count("not clearly above file statistics") == 1


def test_the_drawn_sample_raises_a_banner(
    page: Page, least: Path, candidates: list[Candidate], settings: Evaluate, tmp_path: Path
) -> None:
    assert "banner sample" not in page(least)
    noted = write_evaluation(tmp_path / "noted", candidates, settings, note="smoke test", failed_soft=["format tells"])
    text = page(noted)
    assert "Smoke test." in text
    assert "format tells" in text


def test_what_was_not_measured_is_said_in_its_section(page: Page, least: Path) -> None:
    text = page(least)
    assert "there is no tiers.json" in section(text, "robustness")
    assert "there is no coverage.csv" in section(text, "verdicts")
    assert section(text, "verdicts").count("not checked") == 2
    assert "No history.csv" in section(text, "training")


def test_what_was_measured_is_shown(page: Page, whole: Path) -> None:
    text = page(whole)
    assert "web 120 real, 90 fake student 0.865" in section(text, "robustness")
    assert text.count('aria-label="JPEG: AUC. student: 0.640 at 20 to 0.925 at 95') == 1
    assert "Coverage against error. student" in text
    assert section(text, "verdicts").count("kept") == 2
    assert "Training loss" in section(text, "training")


@pytest.mark.parametrize(("refuted", "said"), [(False, "above it, within chance"), (True, "broken")])
def test_a_promise_that_test_pictures_did_not_keep(
    page: Page, least: Path, tmp_path: Path, refuted: bool, said: str
) -> None:
    folder = _copied(least, tmp_path)
    fitted = read_json(folder / "calibration.json")
    fitted["student"]["check"] = checks(held=False) | {"real": checks(held=False)["real"] | {"refuted": refuted}}
    write_json(folder / "calibration.json", fitted)
    assert said in section(page(folder), "verdicts")


def _copied(folder: Path, tmp_path: Path) -> Path:
    target = tmp_path / "copy"
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_the_gap_between_domains_has_an_interval_over_all_pairs(page: Page, whole: Path) -> None:
    gap = read_json(whole / "gaps.json")["student"][0]
    text = section(page(whole), "domains")
    assert f"AUC {gap['gap']['value']:.3f}" in text
    assert "covers the gaps of all pairs at once" in text


def test_explanations_show_each_label_and_the_map_beside_chance(page: Page, whole: Path) -> None:
    text = section(page(whole), "explanations")
    assert "lips all pictures 0.912 (0.880 to 0.950) fakes alone unknown: only 0 intact" in text
    assert "77.7 % 88.0 % to 95.0 %" in text
    assert "Left out: 3 whose forged part lies outside the crop." in text
    assert "no place misses" not in text
    assert "follow from its generator's name" in text


def test_a_mistake_shows_the_crop_its_map_and_the_sentence(page: Page, whole: Path) -> None:
    text = page(whole)
    assert text.count("data:image/jpeg;base64,") == 2
    assert "real 0.03 · s0 / swap no alteration found 00ff" in section(text, "mistakes")
    assert "None among the test pictures." in section(text, "mistakes")


def test_sweeps_that_cost_nothing_are_drawn(page: Page, tmp_path: Path, whole: Path) -> None:
    folder = shutil.copytree(whole, tmp_path / "perfect")
    tiers = read_json(folder / "tiers.json")
    for row in (row for rows in tiers.values() for row in rows):
        row["auc"] |= {"value": 1.0, "low": 1.0, "high": 1.0}
    write_json(folder / "tiers.json", tiers)
    assert "1.000 at 0.5 to 1.000 at" in page(folder)


def test_text_from_data_is_escaped(
    page: Page, candidates: list[Candidate], settings: Evaluate, tmp_path: Path, whole: Path
) -> None:
    named = {"note": EVIL, "failed_soft": [EVIL], "unknown": [EVIL], "data_md5": EVIL, "method": EVIL, "revision": EVIL}
    folder = write_evaluation(tmp_path / "evil", candidates, settings, **named)
    fields = dict.fromkeys(("image_id", "source", "generator", "sentence", "verdict", "picture", "overlay"), EVIL)
    write_mistakes(folder / "mistakes.json", {"real": [], "fake": [mistake("fake", **fields)]})
    tiers = read_json(whole / "tiers.json")
    for row in tiers["student"]:
        row |= {"name": EVIL, "sweep": row["sweep"] and EVIL}
    write_json(folder / "tiers.json", tiers)
    explained = read_json(folder / "explanations.json")
    explained["student"]["attributes"].append({"label": EVIL, "all": NUMBER, "fakes": None})
    explained["student"]["pointing"]["rows"][0]["name"] = EVIL
    write_json(folder / "explanations.json", explained)
    _assert_harmless(page(folder))


def test_names_in_slices_are_escaped(settings: Evaluate, page: Page, tmp_path: Path) -> None:
    frame = make_predictions(clips=True).assign(domain=EVIL, source=EVIL, generator=EVIL)
    _assert_harmless(page(write_evaluation(tmp_path / "evil", judged(settings, frame), settings)))


def _assert_harmless(text: str) -> None:
    assert "<script" not in text
    assert "<img src=x" not in text
    assert "{{ 7 * 7 }}" in text
    assert "&lt;script&gt;" in text
    assert set(re.findall(r"<img [^>]*?src=\"(.{0,10})", text)) <= {"data:image"}


def test_the_page_needs_nothing_from_outside(page: Page, whole: Path) -> None:
    text = page(whole)
    links = re.findall(r"""(?:src|href|url|action)\s*[=(]\s*["']?([^"')\s>]+)""", text)
    assert all(link.startswith(("data:image/jpeg;base64,", "#")) for link in links)
    assert "://" not in text
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert "<link" not in text
    assert "@import" not in text


def test_the_page_stays_small(page: Page, whole: Path) -> None:
    assert len(page(whole).encode()) < 250_000


def test_the_same_files_give_the_same_page(page: Page, whole: Path) -> None:
    assert page(whole) == page(whole)


def test_one_candidate_makes_a_page(
    page: Page, candidates: list[Candidate], settings: Evaluate, tmp_path: Path
) -> None:
    text = page(write_evaluation(tmp_path / "one", candidates[:1], settings))
    shown = re.sub(r"<style>.*</style>", "", text, flags=re.DOTALL)
    assert "teacher" not in shown


def test_a_slice_without_a_number_shows_why(page: Page, settings: Evaluate, tmp_path: Path) -> None:
    frame = make_predictions()
    frame = frame[frame["seen"] | (frame["split"] == "val")]
    folder = write_evaluation(tmp_path / "seen", [judge("student", frame, settings)], settings)
    assert "unknown: only 0 fake" in section(page(folder), "headline")


def test_a_test_split_of_one_class_makes_a_page(page: Page, settings: Evaluate, tmp_path: Path) -> None:
    frame = make_predictions()
    frame = frame[(frame["label"] == "real") | (frame["split"] == "val")]
    text = page(write_evaluation(tmp_path / "real", [judge("student", frame, settings)], settings))
    assert "There is no fake among the test pictures." in text
    assert "fewer than two domains have a value" in section(text, "domains")
    assert "nothing to draw" in section(text, "curves")


def test_a_generator_without_a_shortcut_shows_a_dash(page: Page, whole: Path) -> None:
    assert "file statistics \N{EN DASH}" in section(page(whole), "generators")


def test_clips_get_a_table_of_their_own(page: Page, settings: Evaluate, whole: Path, tmp_path: Path) -> None:
    assert "Clips (mean of their frames)" not in page(whole)
    clips = [judge("student", make_predictions(clips=True), settings)]
    assert "Clips (mean of their frames)" in page(write_evaluation(tmp_path / "clips", clips, settings))


def test_headings_are_in_order_and_sections_are_named(page: Page, whole: Path) -> None:
    text = page(whole)
    levels = [int(level) for level in re.findall(r"<h([1-6])", text)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    anchors = re.findall(r'<a href="#([a-z-]+)">', text)
    assert anchors == [one.id for one in SECTIONS]
    assert all(f'id="{name}"' in text for name in anchors)


def test_pictures_and_tables_can_be_read_aloud(page: Page, whole: Path) -> None:
    text = page(whole)
    assert all(re.search(r'aria-label="[^"]{10,}"', svg) for svg in re.findall(r"<svg [^>]*>", text))
    assert all(re.search(r'alt="[^"]+"', image) for image in re.findall(r"<img [^>]*>", text))
    assert all("scope=" in heading for heading in re.findall(r"<th[ >][^>]*", text))
    assert all('tabindex="0"' in region for region in re.findall(r'<div class="scroll"[^>]*>', text))


def test_a_folder_of_another_version_is_refused_with_the_remedy(whole: Path, tmp_path: Path) -> None:
    folder = _copied(whole, tmp_path)
    fitted = read_json(folder / "calibration.json")
    del fitted["student"]["thresholds"]
    write_json(folder / "calibration.json", fitted)
    with pytest.raises(DataError, match=r"thresholds.*dvc repro evaluate"):
        write_report(folder, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_rendering_needs_no_torch() -> None:
    code = "import sys, unmask.evaluation.report.page; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_command_renders_a_finished_folder(whole: Path, tmp_path: Path, page: Page) -> None:
    done = CliRunner().invoke(app, ["report", str(whole), "--out", str(tmp_path / "new/report.html")])
    assert done.exit_code == 0
    assert (tmp_path / "new/report.html").read_text() == page(whole)
    assert "report.html" in done.stderr


def test_the_command_puts_the_page_into_the_folder(whole: Path, tmp_path: Path) -> None:
    folder = _copied(whole, tmp_path)
    assert CliRunner().invoke(app, ["report", str(folder)]).exit_code == 0
    assert (folder / "report.html").is_file()


def test_the_command_opens_the_page(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or False)
    done = CliRunner().invoke(app, ["report", str(whole), "--out", str(tmp_path / "p.html"), "--open"])
    assert opened == [(tmp_path / "p.html").resolve().as_uri()]
    assert "no browser was found" in done.stderr


def test_the_command_says_in_one_line_that_nothing_was_evaluated(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert done.exit_code == 1
    assert "no finished evaluation; run `dvc repro evaluate`" in done.stderr


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "paper"),
    [(name, "page") for name in ("ink", "soft", "student", "teacher", "shortcut", "real", "fake", "bad")]
    + [("warn", "warn-page"), ("bad", "bad-page"), ("page", "real"), ("page", "fake")],
)
def test_text_can_be_read_in_both_themes(theme: int, ink: str, paper: str) -> None:
    """WCAG 2.2, criterion 1.4.3: a contrast of at least 4.5."""
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", CSS.split(":root {")[theme + 1].split("}")[0]))
    dark, light = sorted((_luminance(colours[ink]), _luminance(colours[paper])))
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_the_numbers_of_dvc_are_those_of_the_page(page: Page, whole: Path) -> None:
    slices = json.loads((whole / "slices.json").read_text())["student"]
    text = section(page(whole), "slices")
    for row in slices:
        auc = row["metrics"].get("auc", {}).get("value")
        if row["kind"] in {"overall", "source"} and auc is not None:
            assert f"{auc:.3f}" in text
