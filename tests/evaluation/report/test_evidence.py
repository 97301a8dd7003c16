import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from unmask.errors import DataError
from unmask.evaluation.report.evidence import read_evidence


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A whole folder, to be spoilt."""
    return Path(shutil.copytree(whole, tmp_path / "evaluation"))


NEEDED = [
    "run.json", "predictions.parquet", "slices.json", "calibration.json", "generators.json", "explanations.json",
    "gaps.json", "mistakes.json", "roc.csv", "det.csv", "reliability.csv", "training.csv",
]  # fmt: skip


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_file_is_named_with_the_remedy(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(DataError, match=rf"{name}: missing.*dvc repro"):
        read_evidence(folder)


@pytest.mark.parametrize("name", [*NEEDED, "tiers.json", "coverage.csv"])
@pytest.mark.parametrize("content", [b"", b"[", b"\xff\xfe\x00", b"7"])
def test_a_damaged_file_is_named(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=name.split(".", maxsplit=1)[0]):
        read_evidence(folder)


@pytest.mark.parametrize("name", ["tiers.json", "coverage.csv"])
def test_what_was_not_measured_may_be_missing(folder: Path, name: str) -> None:
    (folder / name).unlink()
    evidence = read_evidence(folder)
    assert len(evidence.tiers if name == "tiers.json" else evidence.coverage) == 0


def _edit(change: Callable[[dict], object]) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value))

    return apply


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("run.json", lambda value: value.update(schema=0), "schema 0 instead of"),
        ("run.json", lambda value: value.update(candidates=[]), "candidates: empty"),
        ("run.json", lambda value: value.update(seed="x"), "seed: must be int"),
        ("slices.json", lambda value: value.pop("teacher"), "has no 'teacher'"),
        ("slices.json", lambda value: value["student"][0].pop("metrics"), "row 0 has no 'metrics'"),
        ("tiers.json", lambda value: value["student"][1].pop("sweep"), "row 1 has no 'sweep'"),
        ("mistakes.json", lambda value: value["fake"][0].pop("overlay"), "overlay: missing"),
        ("calibration.json", lambda value: value.update(student=[]), "has no 'student'"),
    ],
)
def test_a_file_of_another_version_is_refused_in_one_line(
    folder: Path, name: str, change: Callable[[dict], object], said: str
) -> None:
    _edit(change)(folder / name)
    with pytest.raises(DataError, match=said) as caught:
        read_evidence(folder)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_test_rows_are_shown(whole: Path) -> None:
    assert set(read_evidence(whole).test["split"]) == {"test"}
