"""What the benchmark is built of; its figures are for people to judge and are never tested."""

import numpy as np

from benchmarks.evaluate import alternating, draw, floor, intervals, main, peak_mb, peer


def test_rows_are_of_both_classes_with_ties_and_groups() -> None:
    rows = draw(2000)
    assert rows.n_real == rows.n_fake == 1000
    assert len(np.unique(rows.logit)) < 2000
    assert 300 < len(np.unique(rows.groups)) < 700


def test_every_side_does_its_work() -> None:
    rows = draw(1000)
    found = intervals(rows, 10)
    assert found["auc"]["low"] < found["auc"]["value"] < found["auc"]["high"]
    assert len(peer(rows, 3)) == 3
    assert floor(rows, 3) > 0


def test_sides_take_turns() -> None:
    log: list[str] = []
    alternating({side: lambda side=side: log.append(side) for side in "ab"}, 3)
    assert "".join(log) == "ababab"


def test_the_peak_is_what_was_held_at_once() -> None:
    assert 8 < peak_mb(lambda: np.ones(1_000_000)) < 9


def test_the_table_is_printed(capsys) -> None:
    main(rows=1000, resamples=20, peer_resamples=2, repeats=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert "scikit-learn" in lines[2]
