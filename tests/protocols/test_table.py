import pandas as pd
import pytest

from unmask.protocols import table
from unmask.protocols.experiments import Experiment
from unmask.protocols.plan import Fold

ONE = Experiment("leave-one-out-swap-0", Fold(("swap",), ("swap",)), ())
NUMBER = {"value": 0.75, "low": 0.6, "high": 0.9, "n_real": 40, "n_fake": 30}
ROW = {"generator": "swap", "reference": "its source", "n_real": 40, "n_fake": 30, "shortcut_auc": 0.61}


@pytest.fixture
def gathered(monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """A generator in two sources, one of which has too few rows for a number."""
    few = {"source": "a|b", "reference": "all sources", "n_fake": 3}
    lacking = {"value": None, "low": None, "high": None, "n_real": 40, "n_fake": 3, "reason": "only 3 fake"}
    rows = [
        {**ROW, "source": "desk", "student": {"auc": NUMBER, "recall": NUMBER}, "teacher": None},
        {**ROW, **few, "student": {"auc": lacking, "recall": lacking}, "teacher": None},
        {**ROW, "source": "desk", "generator": "warp", "student": {"auc": NUMBER, "recall": NUMBER}},
    ]
    metrics = {"student": {"auc_seen": NUMBER, "fpr_real": NUMBER}}
    monkeypatch.setattr(table, "_results", lambda name, root: (rows, metrics))
    return table.gather([ONE], root=None)


def test_only_the_tested_generator_has_rows_one_a_source(gathered: pd.DataFrame) -> None:
    assert set(gathered["generator"]) == {"swap"}
    assert gathered["source"].tolist() == ["desk", "desk", "a|b", "a|b"]


def test_a_number_comes_with_its_interval_or_not_at_all(gathered: pd.DataFrame) -> None:
    student, teacher, lacking, _ = (row for _, row in gathered.iterrows())
    assert student[["auc", "auc_low", "auc_high", "auc_seen", "shortcut_auc"]].tolist() == [0.75, 0.6, 0.9, 0.75, 0.61]
    assert teacher[["auc", "auc_low", "recall", "auc_seen"]].isna().all()
    assert lacking[["auc", "auc_low", "auc_high"]].isna().all()
    assert lacking["n_fake"] == 3


def test_the_page_shows_both_and_breaks_at_no_name(gathered: pd.DataFrame) -> None:
    head, _, student, _, lacking, _, _, note = table.as_markdown(gathered, confidence=0.9).splitlines()
    assert head.startswith("| tested on | model | real | fake | AUC | shortcut AUC |")
    seen, share = "0.750 (0.600 to 0.900)", "75.0% (60.0% to 90.0%)"
    assert student == f"| desk/swap | student | 40 | 30 | {seen} | 0.610 | {share} | {seen} | {share} |"
    assert lacking.startswith("| a\\|b/swap (reals of all sources) | student | 40 | 3 |  | 0.610 |  |")
    assert note.startswith("In brackets 90 % intervals")
