import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.evaluation.report.folder import add_the_rest, judged, write_evaluation
from unmask.config import Evaluate
from unmask.evaluation.record import Source
from unmask.evaluation.report.evidence import Evidence, read_evidence
from unmask.serving.details import card_details

SETTINGS = Evaluate(bootstrap=20, confidence=0.95, fake_fpr=0.02, real_miss=0.05, worst=4)
EVIL = "a|b\n# <b>c</b> [d](e)"
Write = Callable[..., str]


@pytest.fixture(scope="module")
def least(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_evaluation(tmp_path_factory.mktemp("least"), judged(SETTINGS), SETTINGS)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    candidates = judged(SETTINGS)
    folder = write_evaluation(tmp_path_factory.mktemp("whole"), candidates, SETTINGS)
    add_the_rest(folder, candidates)
    return read_evidence(folder)


@pytest.fixture
def write(evidence: Evidence) -> Write:
    def build(licences: dict[str, str] | None = None, served: str = "float32", **run: object) -> str:
        changed = dataclasses.replace(evidence, run=dataclasses.replace(evidence.run, **run))
        return card_details(changed, "student", licences or {}, served=served)

    return build


def test_each_source_stands_with_its_licence(write: Write) -> None:
    sources = [Source(name, 1_234, 2, 3, 4, 5) for name in ("newsroom", "sample", "web")]
    text = write({"newsroom": "CC BY 4.0"}, sources=sources)
    assert "| newsroom | 1,234 | 2 | 3 | CC BY 4.0 |" in text
    assert "| sample | 1,234 | 2 | 3 | Apache-2.0, drawn by the program |" in text
    assert "| web | 1,234 | 2 | 3 | not stated: see package.licences in params.yaml |" in text


def test_each_generator_stands_beside_file_statistics(write: Write, evidence: Evidence) -> None:
    row = next(one for one in evidence.generators if one["shortcut_auc"] == 0.99)
    auc = row["student"]["auc"]
    shown = f"{auc['value']:.3f} ({auc['low']:.3f} to {auc['high']:.3f})"
    assert f"| s0 / warp | unseen | {shown} | 0.990 | {row['n_real']} | {row['n_fake']} |" in write()


def test_tiers_promises_gaps_and_unknowns_are_told(write: Write) -> None:
    text = write()
    assert "| web | 0.865 (0.845 to 0.885) |" in text
    assert "jpeg" not in text
    assert "- reals called fake: promised at most 4.2 %, on test 1.5 % (0.4 % to 3.4 %)" in text
    assert "## Largest gaps between domains\n\n- AUC: " in text
    assert "- the moon" in text


def test_what_was_not_measured_leaves_no_section(least: Path) -> None:
    text = card_details(read_evidence(least), "student", {}, served="float32")
    assert "Recompression" not in text
    assert "Promises" not in text


def test_figures_of_another_precision_are_marked(write: Write) -> None:
    assert "Measured in float32" not in write()
    assert write(served="int8").count("Measured in float32; the packaged model computes in int8.") == 4


def test_text_from_data_makes_no_markup(write: Write) -> None:
    text = write({EVIL: EVIL}, sources=[Source(EVIL, 1, 1, 1, 1, 1)], unknown=[EVIL])
    line = next(each for each in text.splitlines() if each.startswith("| a"))
    assert line.startswith(r"| a\|b \# \<b\>c\</b\> \[d\](e) | 1 |")
    assert r"- a\|b \# \<b\>c" in text
