import pandas as pd

from unmask.data.conflicts import find_conflicts

ZERO = "0" * 16


def row(name: str, label: str, phash: str = ZERO, *, pair: str = "", clip: str = "") -> dict[str, str]:
    text = {"path": f"{name}.png", "source": "s", "batch": "b", "image_id": f"id-{name}", "raw_sha256": name}
    return {**text, "label": label, "phash": phash, "pair_sha256": pair, "clip": clip, "group_hint": ""}


def found(*rows: dict[str, str], bits: int = 4) -> list[tuple[str, str, int]]:
    table = find_conflicts(pd.DataFrame(list(rows)), bits)
    return list(zip(table["path"], table["other_path"], table["bits"], strict=True))


def test_a_fake_near_a_strange_real_is_listed_with_the_nearest_one() -> None:
    far, near = row("far", "real", "0" * 15 + "7"), row("near", "real", "0" * 15 + "1")
    assert found(far, near, row("f", "fake")) == [("f.png", "near.png", 1)]
    assert found(far, row("f", "fake"), bits=2) == []


def test_equal_hashes_are_near() -> None:
    assert found(row("r", "real"), row("f", "fake")) == [("f.png", "r.png", 0)]


def test_a_subtle_forgery_of_a_picture_is_none() -> None:
    assert found(row("r", "real"), row("f", "fake", pair="r")) == []


def test_a_copy_of_the_original_is_one() -> None:
    rows = row("r", "real"), row("again", "real"), row("f", "fake", pair="r")
    assert found(*rows) == [("f.png", "again.png", 0)]


def test_other_frames_of_the_original_s_clip_are_none() -> None:
    one, other = row("r1", "real", clip="c"), row("r2", "real", clip="c")
    assert found(one, other, row("f", "fake", pair="r1", clip="swapped")) == []


def test_real_and_fake_frames_of_one_clip_are_none() -> None:
    assert found(row("r", "real", clip="c"), row("f", "fake", clip="c")) == []
    assert len(found(row("r", "real", clip="c"), row("f", "fake", clip="c") | {"source": "t"})) == 1


def test_unlabelled_rows_and_equal_labels_are_none() -> None:
    assert found(row("r", "real"), row("q", "real"), row("u", "unlabelled")) == []
