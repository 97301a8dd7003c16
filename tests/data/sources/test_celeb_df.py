import json
from collections.abc import Callable
from pathlib import Path

import pytest

from unmask.data.sources.celeb_df import CelebDF
from unmask.data.sources.tree import Tree

REAL, FAKE, STREET = "Celeb-real/id0_0000.mp4", "Celeb-synthesis/id0_id16_0000.mp4", "YouTube-real/00170.mp4"
OTHER = "Celeb-real/id16_0001.mp4"


def test_clips_as_they_are_unpacked(take, fill_clips, tmp_path: Path) -> None:
    root = fill_clips(tmp_path / "Celeb-DF-v2", REAL, FAKE, STREET, OTHER)
    (root / "List_of_testing_videos.txt").write_text(f"1 {STREET}\n0 {FAKE}\n")
    taken = take(root)
    assert set(taken.rows["source"]) == {"celeb-df"}
    assert taken.rows["label"].to_dict() == {REAL: "real", FAKE: "fake", STREET: "real", OTHER: "real"}
    assert taken[FAKE]["generator"] == "Celeb-synthesis"
    assert taken[FAKE]["clip"] == "Celeb-synthesis/id0_id16_0000"
    assert taken[FAKE]["pair"] == REAL
    assert taken.rows["group_hint"].to_dict() == {
        REAL: "id0",
        FAKE: "id0",
        STREET: "YouTube-real-00170",
        OTHER: "id16",
    }
    assert json.loads(taken[FAKE]["attributes"]) == {"donor": "id16", "official_split": "test"}
    assert json.loads(taken[REAL]["attributes"]) == {"official_split": "train"}
    assert taken.refused == {}


@pytest.mark.parametrize("kind", ["videos", "frames"])
def test_arranged_as_deepfakebench_does(tree_of: Callable[..., Tree], kind: str) -> None:
    end = ".mp4" if kind == "videos" else "/003.png"
    real, fake = f"Celeb-real/{kind}/id0_0000{end}", f"Celeb-synthesis/{kind}/id0_id16_0000{end}"
    found = CelebDF().find(tree_of([real, fake]), "").found
    assert found[fake].pair == real
    assert found[real].clip == "Celeb-real/id0_0000"


def test_a_list_that_contradicts_a_folder_is_mentioned(tree_of: Callable[..., Tree]) -> None:
    lines = f"0 {REAL}\nnonsense\n".encode()
    finding = CelebDF().find(tree_of({REAL: b"", FAKE: b"", "List_of_testing_videos.txt": lines}), "")
    assert any("1 clips have another label there" in note for note in finding.notes)
    assert any("1 lines are not" in note for note in finding.notes)
    assert finding.found[REAL].label == "real"


def test_a_name_that_tells_no_person_is_refused(tree_of: Callable[..., Tree]) -> None:
    finding = CelebDF().find(tree_of([REAL, "Celeb-synthesis/id0_0000.mp4"]), "")
    assert [(item.path, item.reason) for item in finding.refused] == [
        ("Celeb-synthesis/id0_0000.mp4", "clip name is not one of Celeb-DF")
    ]
