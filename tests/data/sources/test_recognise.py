import re
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from unmask.data.sources.recognise import LAYOUTS, survey
from unmask.errors import DataError

EXAMPLES = {
    "folders": "news/real/camera/1.png",
    "faceforensics": "original_sequences/youtube/c23/images/000/0000.png",
    "genimage": "Midjourney/val/nature/1.png",
    "forensynths": "test/biggan/0_real/1.png",
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_layout_is_recognised_or_named(fill: Callable[..., Path], tmp_path: Path, name: str) -> None:
    fill(tmp_path, EXAMPLES[name])
    for layout in (None, name):
        _, chosen, finding = survey(tmp_path, layout=layout, source=None)
        assert chosen.name == name
        assert len(finding.found) == 1


@pytest.mark.parametrize(
    "layout", [layout for layout in LAYOUTS if layout.name != "folders"], ids=lambda each: each.name
)
def test_a_wrong_name_says_what_was_expected_and_found(fill: Callable[..., Path], tmp_path: Path, layout) -> None:
    fill(tmp_path, "holiday/1.png", "2.png")
    expected = re.escape(f"not laid out as {layout.name}; expected {layout.expects}; found 2 files in 2.png, holiday/")
    with pytest.raises(DataError, match=expected):
        survey(tmp_path, layout=layout.name, source=None)


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--layout ff: no such layout; there are folders, faceforensics, celeb-df"):
        survey(tmp_path, layout="ff", source=None)


def test_an_unknown_layout_teaches_all(fill: Callable[..., Path], tmp_path: Path) -> None:
    fill(tmp_path, *(f"{number}/x.png" for number in range(12)))
    with pytest.raises(DataError, match=r"no layout recognised; found 12 files in .* and 4 more") as caught:
        survey(tmp_path, layout=None, source=None)
    assert all(layout.expects in str(caught.value) for layout in LAYOUTS)


def test_two_layouts_at_once_must_be_named(fill: Callable[..., Path], tmp_path: Path) -> None:
    fill(tmp_path, EXAMPLES["folders"], EXAMPLES["genimage"])
    with pytest.raises(DataError, match="could be laid out as folders or genimage; say which with --layout"):
        survey(tmp_path, layout=None, source=None)
    assert survey(tmp_path, layout="genimage", source=None)[1].name == "genimage"


def test_every_file_is_accounted_for(fill: Callable[..., Path], tmp_path: Path) -> None:
    fill(tmp_path, EXAMPLES["genimage"], "Midjourney/readme.png", "lost.png")
    (tmp_path / "broken.png").symlink_to("gone")
    tree, _, finding = survey(tmp_path, layout=None, source=None)
    assert {item.path for item in finding.refused} | finding.found.keys() == {*tree.paths, *tree.refused}


def test_masks_of_no_picture_are_counted(fill: Callable[..., Path], tmp_path: Path) -> None:
    fill(tmp_path, EXAMPLES["folders"], "news/masks/real/camera/9.png")
    _, _, finding = survey(tmp_path, layout=None, source=None)
    assert finding.notes == ["1 masks belong to no picture that is here (first: news/masks/real/camera/9.png)"]


def test_a_url_is_taken_like_a_folder(take, fill: Callable[..., Path], tmp_path: Path) -> None:
    fill(tmp_path / "in", "news/real/camera/1.png", "news/fake/swap/1.png", "news/masks/fake/swap/1.png")
    (tmp_path / "in/news/pairs.csv").write_text("real,fake\n1.png,1.png\n")
    files = fsspec.filesystem("memory")
    files.put(f"{tmp_path}/in", "/bucket/in", recursive=True)
    try:
        taken = take("memory://bucket/in")
    finally:
        files.rm("/bucket", recursive=True)
    assert taken["fake/swap/1.png"]["pair"] == "real/camera/1.png"
    assert taken["fake/swap/1.png"]["mask_key"].endswith(".mask.png")
    assert set(taken.rows["source"]) == {"news"}


def test_a_link_into_another_source_is_refused(fill: Callable[..., Path], tmp_path: Path) -> None:
    fill(tmp_path, "a/real/camera/1.png", "b/fake/swap/1.png")
    (tmp_path / "b/fake/swap/2.png").symlink_to(tmp_path / "a/real/camera/1.png")
    (tmp_path / "b/fake/swap/3.png").symlink_to(tmp_path / "b/fake/swap/1.png")
    _, _, finding = survey(tmp_path, layout=None, source=None)
    assert {item.path: item.reason for item in finding.refused} == {
        "fake/swap/2.png": "symbolic link leaves the source's folder"
    }
    assert "b/fake/swap/3.png" in finding.found
