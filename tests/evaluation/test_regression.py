from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import unmask.evaluation.regression
from unmask.config import Config, Scale
from unmask.errors import DataError
from unmask.evaluation.regression import read_regression, score_regression
from unmask.serving.verdict import Thresholds

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def _write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(["sha256,label,note", *lines]) + "\n")
    return path


def test_the_file_that_ships_is_empty() -> None:
    assert read_regression(Path(__file__).parents[2] / "regression.csv").empty


def test_no_file_is_an_empty_set(tmp_path: Path) -> None:
    assert read_regression(tmp_path / "regression.csv").empty


def test_rows_are_read_with_their_right_label(tmp_path: Path) -> None:
    rows = read_regression(_write(tmp_path / "r.csv", f"{A.upper()},real,ticket 12", f"{B},fake,"))
    assert rows["sha256"].tolist() == [A, B]
    assert rows["label"].tolist() == ["real", "fake"]
    assert rows["note"].tolist() == ["ticket 12", ""]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([f"{A},real,", "photo.jpg,real,"], "line 3: 'photo.jpg' is no SHA-256"),
        ([f"{A},genuine,"], "line 2: label 'genuine'"),
        ([f"{A},real,", f"{A},fake,"], "stands twice"),
    ],
)
def test_an_odd_row_is_named(tmp_path: Path, lines: list[str], told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_regression(_write(tmp_path / "r.csv", *lines))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("file,label\n")
    with pytest.raises(DataError, match="lacks sha256"):
        read_regression(tmp_path / "r.csv")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\x00", b'sha256,label\n"a'])
def test_what_is_no_csv_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "r.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"r\.csv"):
        read_regression(tmp_path / "r.csv")


@pytest.fixture
def scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest of a picture, and of a clip of two frames, and a detector that scores keys by a table."""
    manifest = pd.DataFrame({"raw_sha256": [A, B, B], "key": ["k1", "k2", "k3"], "split": ["train", "test", "test"]})
    logits = {"k1": 3.0, "k2": -4.0, "k3": 3.0}

    class Found:
        def __init__(self, keys: list[str]) -> None:
            self.logit = np.array([logits[key] for key in keys])

    monkeypatch.setattr(unmask.evaluation.regression, "read_manifest", lambda *_, **__: manifest)
    monkeypatch.setattr(unmask.evaluation.regression, "predict", lambda _, keys, *__, **___: Found(keys))


def _score(rows: list[tuple[str, str]]) -> list[dict]:
    listed = pd.DataFrame(rows, columns=["sha256", "label"])
    config = Config(scale=Scale(device="cpu", workers=1))
    thresholds = Thresholds(fake=0.9, real=0.1)
    return score_regression(listed, None, Path(), temperature=1.0, thresholds=thresholds, config=config)


def test_a_wrong_verdict_fails_and_says_so(scores: None) -> None:
    row = _score([(A, "real")])[0]
    assert (row["passed"], row["verdict"], row["splits"]) == (False, "fake", ["train"])
    assert row["reason"] == "real, yet the verdict is fake"
    assert _score([(A, "fake")])[0]["passed"]


def test_a_clip_is_judged_by_the_mean_of_its_frames_and_uncertain_is_not_wrong(scores: None) -> None:
    row = _score([(B, "fake")])[0]
    assert (row["passed"], row["verdict"]) == (True, "uncertain")
    assert row["p_fake"] == pytest.approx(1 / (1 + np.exp(0.5)), abs=1e-6)


def test_a_file_that_is_not_among_the_data_fails(scores: None) -> None:
    row = _score([(C, "real"), (A, "fake")])[0]
    assert (row["passed"], row["verdict"]) == (False, None)
    assert "ingest" in row["reason"]
