import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unmask.data.sources.lists import Lists
from unmask.data.sources.tree import Tree
from unmask.errors import DataError

ROWS = [
    {"path": "real/1.png", "label": "real", "group": "p1", "camera": "phone"},
    {
        "path": "./fake/1.png",
        "label": "Fake",
        "generator": "swap",
        "source": "press",
        "group": "p1",
        "clip": "c7",
        "first_seen": "2024-05-06",
        "pair": "real/1.png",
        "mask": "masks/1.png",
    },
    {"path": "fake/2.png", "label": "fake"},
    {"path": "wild/1.png", "label": "unlabelled"},
]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_list_says_all_that_folders_can(take, fill, tmp_path: Path, suffix: str) -> None:
    root = fill(tmp_path / "shelf", "real/1.png", "fake/1.png", "fake/2.png", "wild/1.png", "masks/1.png", "rest.png")
    table = pd.DataFrame(ROWS)
    table.to_csv(root / "all.csv", index=False) if suffix == "csv" else table.to_parquet(root / "all.parquet")
    taken = take(root / f"all.{suffix}")
    assert taken.rows["source"].to_dict() == {
        "real/1.png": "shelf",
        "fake/1.png": "press",
        "fake/2.png": "shelf",
        "wild/1.png": "shelf",
    }
    assert taken.rows["generator"].to_dict() == {
        "real/1.png": "camera",
        "fake/1.png": "swap",
        "fake/2.png": "unknown",
        "wild/1.png": "",
    }
    fake = taken["fake/1.png"]
    assert (fake["label"], fake["group_hint"], fake["clip"], fake["first_seen"]) == ("fake", "p1", "c7", "2024-05-06")
    assert fake["pair"] == "real/1.png"
    assert fake["mask_key"].endswith(".mask.png")
    assert json.loads(taken["real/1.png"]["attributes"]) == {"camera": "phone"}
    assert taken.refused == {}


def test_a_path_never_leaves_the_list_s_folder(take, fill, tmp_path: Path) -> None:
    fill(tmp_path, "secret.png")
    root = fill(tmp_path / "in", "1.png")
    (root / "out.png").symlink_to(tmp_path / "secret.png")
    bad = [
        "../secret.png",
        str(tmp_path / "secret.png"),
        "C:\\secret.png",
        "a/../../secret.png",
        "out.png",
        "gone.png",
        "",
    ]
    rows = [{"path": path, "label": "real"} for path in ["1.png", *bad]]
    pd.DataFrame(rows).to_csv(root / "all.csv", index=False)
    taken = take(root)
    assert list(taken.rows.index) == ["1.png"]
    leaves = "path leaves the list's folder"
    assert taken.refused == {
        "../secret.png": leaves,
        str(tmp_path / "secret.png"): leaves,
        "C:\\secret.png": leaves,
        "a/../../secret.png": leaves,
        "out.png": "symbolic link leaves the source's folder",
        "gone.png": "no such file below the list's folder",
        "": "no path",
    }


def find(tree_of: Callable[..., Tree], text: str, *files: str):
    return Lists().find(tree_of({"all.csv": text.encode(), **dict.fromkeys(files, b"")}), "")


def test_rows_without_a_known_label_are_refused(tree_of: Callable[..., Tree]) -> None:
    finding = find(tree_of, "path,label\n1.png,\n2.png,1\n3.png,real\n", "1.png", "2.png", "3.png")
    assert {item.path: item.reason for item in finding.refused} == {
        "1.png": "no label",
        "2.png": "label '1' is not real, fake, unlabelled",
    }
    assert list(finding.found) == ["3.png"]


def test_a_file_listed_twice(tree_of: Callable[..., Tree]) -> None:
    finding = find(tree_of, "path,label\n1.png,real\n1.png,real\n2.png,real\n2.png,fake\n", "1.png", "2.png")
    assert list(finding.found) == ["1.png"]
    assert [(item.path, item.reason) for item in finding.refused] == [("2.png", "named as fake and real")]


def test_what_a_row_says_wrongly_is_noted(tree_of: Callable[..., Tree]) -> None:
    finding = find(tree_of, "path,label,first_seen,pair,mask\n1.png,fake,soon,../0.png,m.png\n", "1.png")
    assert finding.notes == [
        "root/all.csv: 1 rows have a first_seen that is no ISO date, left out (first: soon)",
        "root/all.csv: 1 rows have a pair that is no file below the list's folder, left out (first: ../0.png)",
        "root/all.csv: 1 rows have a mask that is no file below the list's folder, left out (first: m.png)",
    ]
    assert finding.found["1.png"].pair == ""


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from("a./\\:~ 1"), max_size=12), max_size=8))
def test_only_files_of_the_listing_are_ever_taken(paths: list[str]) -> None:
    held = {"a": b"", "a/1": b"", "1": b""}
    table = pd.DataFrame({"path": [*paths, "a"], "label": "real"}).to_csv(index=False).encode()
    tree = Tree("x", "x", ("1", "a", "a/1", "l.csv"), lambda path: io.BytesIO({**held, "l.csv": table}[path]))
    finding = Lists().find(tree, "")
    assert finding.found.keys() <= held.keys()
    assert "a" in finding.found


@pytest.mark.parametrize(
    ("name", "content"), [("all.csv", b"path,label\n\xff\xfe,real\n"), ("all.csv", b'path,label\n"1.png,real\n')]
)
def test_a_damaged_list_is_an_error(tree_of: Callable[..., Tree], name: str, content: bytes) -> None:
    with pytest.raises(DataError, match="all"):
        Lists().find(tree_of({name: content}), "")


def test_a_parquet_list_may_have_columns_of_lists_and_missing_numbers(tree_of: Callable[..., Tree]) -> None:
    columns = {"path": ["a.png"], "label": ["real"], "bbox": [[1, 2]], "age": pd.array([None], dtype="Int64")}
    table = pd.DataFrame(columns)
    stream = io.BytesIO()
    table.to_parquet(stream)
    found = Lists().find(tree_of({"list.parquet": stream.getvalue(), "a.png": b""}), "").found
    assert found["a.png"].label == "real"
