import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from unmask.errors import DataError
from unmask.serving.offline.inputs import check_named, named_files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.png", "a/2.png", "a/1.png", "a/deep/er/3.png", ".hidden", ".cache/x.png", "[odd].png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(*words: str, **options: Sequence[Path]) -> list[str]:
    return [str(path) for path in named_files(words, **options)]


def test_a_folder_is_searched_to_any_depth_in_the_order_of_names(folder: Path) -> None:
    assert names(".") == ["[odd].png", "a/1.png", "a/2.png", "a/deep/er/3.png", "b.png"]


def test_words_keep_their_order(folder: Path) -> None:
    assert names("b.png", "a/deep", "a/1.png") == ["b.png", "a/deep/er/3.png", "a/1.png"]


def test_a_pattern_names_files_only(folder: Path) -> None:
    assert names("*") == ["[odd].png", "b.png"]
    assert names("a/**") == ["a/1.png", "a/2.png", "a/deep/er/3.png"]
    assert names(f"{folder}/?.png") == [f"{folder}/b.png"]


def test_a_file_whose_name_looks_like_a_pattern_is_itself(folder: Path) -> None:
    assert names("[odd].png") == ["[odd].png"]


def test_what_the_run_writes_is_left_out(folder: Path) -> None:
    assert names("a", leave_out=[folder / "a/2.png"]) == ["a/1.png", "a/deep/er/3.png"]


@pytest.mark.parametrize("word", [".", "a/../a", "*/*", "b.png/../a", "link/2.png"])
def test_however_it_is_spelt(folder: Path, word: str) -> None:
    (folder / "link").symlink_to("a")
    (folder / "other").mkdir()
    (folder / "other/2.png").touch()
    found = names(word, "other", leave_out=[Path("other/../link/2.png")])
    assert [name for name in found if name.endswith("2.png")][-1] == "other/2.png"
    assert not any(Path(name).samefile(folder / "a/2.png") for name in found)


def test_links_to_folders_and_pipes_are_not_followed(folder: Path) -> None:
    (folder / "a/up").symlink_to(folder)
    os.mkfifo(folder / "a/pipe")
    assert names("a") == ["a/1.png", "a/2.png", "a/deep/er/3.png"]


def test_a_word_that_names_nothing_is_an_error_before_any_work(folder: Path) -> None:
    check_named([".", "b.png", "a/*"])
    with pytest.raises(DataError, match=r"c\.png: no such file"):
        check_named(["b.png", "c.png"])
    with pytest.raises(DataError, match=r"a/\*\.jpg: no such file"):
        check_named(["a/*.jpg"])
