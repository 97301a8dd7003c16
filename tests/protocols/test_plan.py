from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.errors import DataError
from unmask.protocols.plan import Fold, dated, first_seen, leave_one_out, next_window

JANUARY, FEBRUARY, MARCH = date(2025, 1, 10), date(2025, 2, 1), date(2025, 3, 1)
THREE = {"swap": JANUARY, "warp": FEBRUARY, "gan": FEBRUARY, "diffusion": MARCH}
SEVERAL = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.dates(JANUARY, MARCH), min_size=2, max_size=8)


def test_each_generator_is_left_out_once() -> None:
    assert leave_one_out({"warp": JANUARY, "swap": MARCH}) == [Fold(("swap",), ("swap",)), Fold(("warp",), ("warp",))]


def test_windows_train_on_the_past_test_on_the_next_and_let_the_rest_wait() -> None:
    assert next_window(THREE) == [
        Fold(("gan", "warp", "diffusion"), ("gan", "warp"), until=JANUARY),
        Fold(("diffusion",), ("diffusion",), until=FEBRUARY),
    ]


@given(generators=SEVERAL)
def test_no_window_trains_on_what_it_tests_or_on_the_future(generators: dict[str, date]) -> None:
    if len(set(generators.values())) == 1:
        return
    folds = next_window(generators)
    for fold in folds:
        assert set(fold.tested) <= set(fold.unseen)
        assert {name for name in generators if generators[name] > fold.until} == set(fold.unseen)
        assert min(generators[name] for name in fold.unseen) == generators[fold.tested[0]]
    # Every generator but the first day's is tested exactly once.
    tested = [name for fold in folds for name in fold.tested]
    assert sorted(tested) == sorted(name for name in generators if generators[name] > min(generators.values()))


def test_a_single_generator_or_day_is_too_little() -> None:
    with pytest.raises(DataError, match=r"two generators; data/ holds swap \(2025-01-10\)"):
        leave_one_out({"swap": JANUARY})
    with pytest.raises(DataError, match=r"different days; .*--dates"):
        next_window({"swap": JANUARY, "warp": JANUARY})


def test_a_generator_s_day_is_its_first(data: Path) -> None:
    assert first_seen(data, []) == {"swap": JANUARY, "warp": FEBRUARY, "diffusion, v2": FEBRUARY}
    assert first_seen(data, ["desk"]) == first_seen(data, [])
    assert first_seen(data, ["elsewhere"]) == {}


def test_a_table_of_days_wins(tmp_path: Path) -> None:
    table = tmp_path / "days.csv"
    table.write_text("generator,first_seen\nswap,2025-03-01\n")
    assert dated(THREE, table) == {**THREE, "swap": MARCH}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("generator,first_seen\nfish,2025-03-01\n", "no fakes of fish; it has diffusion"),
        ("generator,first_seen\nswap,soon\n", "write days as 2025-01-31"),
        ("name,day\nswap,2025-03-01\n", "columns generator and first_seen"),
    ],
)
def test_a_wrong_table_of_days_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "days.csv").write_text(text)
    with pytest.raises(DataError, match=said):
        dated(THREE, tmp_path / "days.csv")
    with pytest.raises(DataError, match="missing"):
        dated(THREE, tmp_path / "nowhere.csv")
