from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from unmask.config import Evaluate
from unmask.data.tables import write_table
from unmask.errors import DataError
from unmask.evaluation.attributes import attribute_aucs, label_vectors

NAMES = ("fake", "identity", "eye", "nose")
ROWS = 200


@pytest.fixture(scope="module")
def drawn() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Half fakes with the identity changed; eyes in half of them, and for some rows nobody knows about the nose."""
    rng = np.random.default_rng(0)
    fake = np.arange(ROWS) % 2 == 0
    target = np.stack([fake, fake, fake & (rng.random(ROWS) < 0.5), fake & (rng.random(ROWS) < 0.5)], axis=1)
    known = np.ones_like(target)
    known[:60, 3] = False
    marginals = (target * 0.3 + rng.random(target.shape) * 0.7).astype(np.float32).round(2)  # with ties
    groups = [f"g{row // 2}" for row in range(ROWS)]
    label = np.where(fake, "fake", "real")
    return pd.DataFrame({"label": label, "group": groups, "marginals": list(marginals)}), target, known


@pytest.fixture(scope="module")
def rows(drawn: tuple[pd.DataFrame, np.ndarray, np.ndarray], settings: Evaluate) -> dict[str, dict]:
    test, target, known = drawn
    found = attribute_aucs(test, names=NAMES, target=target, known=known, settings=settings, seed=0)
    return {row["label"]: row for row in found}


@pytest.mark.parametrize("label", NAMES)
def test_only_known_rows_count(
    drawn: tuple[pd.DataFrame, np.ndarray, np.ndarray], rows: dict[str, dict], label: str
) -> None:
    test, target, known = drawn
    at = NAMES.index(label)
    scores = np.stack(test["marginals"].to_list())[known[:, at], at]
    number = rows[label]["all"]
    assert number["value"] == pytest.approx(roc_auc_score(target[known[:, at], at], scores), abs=1e-5)
    assert number["low"] <= number["value"] <= number["high"]
    assert number["altered"] + number["intact"] == known[:, at].sum()


def test_among_fakes_alone_detection_does_not_help(
    drawn: tuple[pd.DataFrame, np.ndarray, np.ndarray], rows: dict[str, dict]
) -> None:
    test, target, _ = drawn
    fakes = (test["label"] == "fake").to_numpy()
    scores = np.stack(test["marginals"].to_list())[fakes, 2]
    assert rows["eye"]["fakes"]["value"] == pytest.approx(roc_auc_score(target[fakes, 2], scores), abs=1e-5)
    assert rows["fake"]["fakes"] is None


def test_a_label_that_every_fake_has_gives_no_number_among_them(rows: dict[str, dict]) -> None:
    assert rows["identity"]["fakes"]["value"] is None
    assert rows["identity"]["fakes"]["reason"] == "only 0 intact"


def test_the_mean_is_over_labels_that_have_a_number(rows: dict[str, dict]) -> None:
    values = [rows[name]["fakes"]["value"] for name in ("eye", "nose")]
    assert rows["mean"]["fakes"]["value"] == pytest.approx(np.mean(values), abs=2e-5)
    assert rows["mean"]["fakes"]["labels"] == 2


def test_a_perfect_ranking_is_not_certain(settings: Evaluate) -> None:
    target = np.arange(40)[:, None] >= 20
    test = pd.DataFrame({"label": np.where(target[:, 0], "fake", "real"), "group": range(40)})
    test["marginals"] = list(target.astype(np.float32))
    found = attribute_aucs(test, names=["fake"], target=target, known=target | True, settings=settings, seed=0)
    assert found[0]["all"]["value"] == 1.0
    assert found[0]["all"]["low"] < 0.9
    assert found[-1]["fakes"]["value"] is None


def test_the_mean_of_perfect_rankings_is_not_certain_and_says_on_how_many_fakes_it_rests(settings: Evaluate) -> None:
    target = np.stack([np.ones(60), np.arange(60) % 2], axis=1).astype(bool)
    known = np.stack([np.ones(60), np.arange(60) < 40], axis=1).astype(bool)
    test = pd.DataFrame({"label": "fake", "group": range(60), "marginals": list(target.astype(np.float32))})
    found = attribute_aucs(test, names=["fake", "eye"], target=target, known=known, settings=settings, seed=0)
    mean = found[-1]["fakes"]
    assert (mean["value"], mean["rows"]) == (1.0, 40)
    assert mean["low"] == found[1]["fakes"]["low"] < 0.95


def test_a_row_without_a_label_vector_is_named(tmp_path: Path) -> None:
    table = pd.DataFrame({"image_id": ["a", "b"], "target": [[1, 0], [0, 0]], "target_mask": [[1, 1], [1, 0]]})
    write_table(tmp_path / "labels.parquet", table)
    target, known = label_vectors(pd.DataFrame({"image_id": ["b", "a"]}), tmp_path / "labels.parquet")
    assert target.tolist() == [[False, False], [True, False]]
    assert known.tolist() == [[True, False], [True, True]]
    with pytest.raises(DataError, match="no label vector for c"):
        label_vectors(pd.DataFrame({"image_id": ["a", "c"]}), tmp_path / "labels.parquet")
