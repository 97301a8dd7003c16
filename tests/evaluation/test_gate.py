from pathlib import Path

import pytest

from unmask.errors import DataError
from unmask.evaluation.gate import Shortcut, read_shortcut, soft_failures
from unmask.files import write_json


def test_the_pooled_row_is_told_apart_from_the_generators(tmp_path: Path) -> None:
    rows = [
        {"source": "s", "generator": "g", "reference": "s", "auc": 0.6, "auc_with_chroma": 0.65},
        {"source": "pooled", "generator": "pooled", "reference": "all reals", "auc": 0.7, "auc_with_chroma": 0.8},
    ]
    write_json(tmp_path / "shortcut.json", {"rows": rows})
    assert read_shortcut(tmp_path / "shortcut.json") == Shortcut(rows[:1], 0.7, 0.8)


def test_a_soft_failure_says_what_was_seen_and_allowed(tmp_path: Path) -> None:
    soft = [
        {"title": "pooled shortcut", "observed": 0.8123, "bounds": [None, 0.65]},
        {"title": "neither black nor white", "observed": None, "bounds": [None, None], "named": []},
        {"title": "balanced", "observed": 7, "bounds": [None, 0], "named": [f"s{n}: 0 real" for n in range(7)]},
    ]
    write_json(tmp_path / "validation.json", {"soft": soft, "hard": [{"title": "not this"}]})
    assert soft_failures(tmp_path / "validation.json") == [
        "pooled shortcut (observed 0.8123, at most 0.65)",
        "neither black nor white",
        "balanced (observed 7, at most 0): s0: 0 real; s1: 0 real; s2: 0 real; s3: 0 real; s4: 0 real; and others",
    ]


@pytest.mark.parametrize("value", [[], {}, {"rows": 1}, {"rows": [{"source": "s"}]}])
def test_another_file_is_refused_by_name(tmp_path: Path, value: object) -> None:
    write_json(tmp_path / "shortcut.json", value)
    with pytest.raises(DataError, match=r"shortcut\.json"):
        read_shortcut(tmp_path / "shortcut.json")
