import os
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.data.sources.layout import plain_text, without_suffix
from unmask.data.sources.tree import open_tree
from unmask.errors import DataError


@pytest.fixture
def remote() -> Iterator[str]:
    """A URL on fsspec's file system in memory, with a few files."""
    files = fsspec.filesystem("memory")
    for path in ("b/2.png", "a/1.png", "a/.hidden", ".git/x", "empty.bin"):
        files.pipe(f"/shelf/{path}", b"" if path == "empty.bin" else path.encode())
    yield "memory://shelf"
    files.rm("/shelf", recursive=True)


def lay_out(root: Path) -> Path:
    for path in ("b/2.png", "a/1.png", "a/.hidden", ".git/x", "empty.bin"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"" if path == "empty.bin" else path.encode())
    return root


def test_a_folder_and_a_url_are_listed_alike(tmp_path: Path, remote: str) -> None:
    local, far = open_tree(lay_out(tmp_path / "shelf")), open_tree(remote)
    assert local.paths == far.paths == ("a/1.png", "b/2.png", "empty.bin")
    assert local.name == far.name == "shelf"
    assert local.top == far.top == ["a/", "b/", "empty.bin"]
    for tree in (local, far):
        assert tree.read("a/1.png", max_megabytes=1) == b"a/1.png"
        assert tree.head("b/2.png", 3) == b"b/2"
        with pytest.raises(DataError, match=r"^empty file$"):
            tree.read("empty.bin", max_megabytes=1)
        with pytest.raises(DataError, match=r"^larger than 1e-06 MB$"):
            tree.read("b/2.png", max_megabytes=1e-6)


def test_file_urls_are_local(tmp_path: Path) -> None:
    assert open_tree(f"file://{lay_out(tmp_path)}").paths == ("a/1.png", "b/2.png", "empty.bin")


def test_what_is_no_plain_file_inside_is_refused(tmp_path: Path) -> None:
    root, outside = lay_out(tmp_path / "in"), tmp_path / "outside.png"
    outside.write_bytes(b"secret")
    (root / "out.png").symlink_to(outside)
    (root / "up").symlink_to(tmp_path)
    (root / "nothing.png").symlink_to(root / "gone.png")
    (root / "round.png").symlink_to(root / "round.png")
    (root / "folder").symlink_to(root / "a")
    (root / "same.png").symlink_to(root / "a/1.png")
    os.mkfifo(root / "pipe.png")
    (root / os.fsdecode(b"caf\xe9.png")).write_bytes(b"x")
    tree = open_tree(root)
    assert tree.refused == {
        "out.png": "symbolic link leaves the source's folder",
        "up": "symbolic link leaves the source's folder",
        "nothing.png": "symbolic link to nothing",
        "round.png": "symbolic link to nothing",
        "folder": "symbolic link to a folder",
        "pipe.png": "not a regular file",
        "caf\\xe9.png": "file name is not UTF-8",
    }
    assert tree.links == {"same.png": "a/1.png"}
    assert "same.png" in tree.members


def test_odd_keys_of_an_object_store_are_refused(remote: str) -> None:
    fsspec.filesystem("memory").store["/shelf/a/../../b.png"] = fsspec.filesystem("memory").store["/shelf/b/2.png"]
    assert open_tree(remote).refused == {"a/../../b.png": "not a plain path"}


def test_a_list_may_be_the_root(tmp_path: Path, remote: str) -> None:
    (lay_out(tmp_path) / "all.csv").write_text("path,label\n")
    fsspec.filesystem("memory").pipe("/shelf/all.csv", b"path,label\n")
    for tree in (open_tree(tmp_path / "all.csv"), open_tree(f"{remote}/all.csv")):
        assert tree.chosen == "all.csv"
        assert "a/1.png" in tree.members
        assert tree.at("x").endswith("/x")


@pytest.mark.parametrize("where", ["nowhere", "memory://nowhere", "nosuchprotocol://bucket/prefix"])
def test_nothing_there_is_said_in_a_line(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=where):
        open_tree(where)


def test_a_file_that_vanished_is_a_reason(tmp_path: Path) -> None:
    tree = open_tree(lay_out(tmp_path))
    (tmp_path / "a/1.png").unlink()
    with pytest.raises(DataError, match=r"^can't be read: No such file or directory$"):
        tree.read("a/1.png", max_megabytes=1)


def test_a_folder_that_can_t_be_listed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, scandir = lay_out(tmp_path), os.scandir

    def guarded(folder: Path):
        if Path(folder).name == "a":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", guarded)
    tree = open_tree(root)
    assert tree.refused == {"a": "can't be read: Permission denied"}
    assert tree.paths == ("b/2.png", "empty.bin")


@given(st.text())
def test_any_text_can_lose_its_suffix_and_be_stored(text: str) -> None:
    assert text.startswith(without_suffix(text))
    assert plain_text(text).encode("utf-8").decode("utf-8") == plain_text(text)
