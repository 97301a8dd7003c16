import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unmask.data.sources.faceforensics import FaceForensics, sequence_groups, target_of
from unmask.data.sources.tree import Tree
from unmask.errors import DataError

METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures")
ORIGINALS = [f"original_sequences/youtube/c23/videos/{clip}.mp4" for clip in ("000", "003", "033", "097")]
FAKES = [
    f"manipulated_sequences/{method}/c23/videos/{clip}.mp4" for method in METHODS for clip in ("000_003", "003_000")
]
ACTED = "manipulated_sequences/DeepFakeDetection/c23/videos/01_02__exit_phone_room__YVGY8LOK.mp4"


def test_clips_masks_and_pairs_of_the_download(take, fill_clips, tmp_path: Path) -> None:
    root = fill_clips(tmp_path / "FF++", *ORIGINALS, *FAKES)
    fill_clips(root, "manipulated_sequences/Deepfakes/masks/videos/000_003.mp4")
    fill_clips(root, "original_sequences/youtube/c40/videos/000.mp4")
    fill_clips(root, "manipulated_sequences/FaceSwap/c40/videos/000_003.mp4")
    taken = take(root)
    fakes = taken.rows[taken.rows["label"] == "fake"]
    assert set(taken.rows["source"]) == {"faceforensics"}
    assert set(taken.rows.loc[ORIGINALS, "generator"]) == {"camera"}
    assert fakes["generator"].value_counts().to_dict() == {
        "Deepfakes": 2,
        "Face2Face": 2,
        "FaceSwap": 3,
        "NeuralTextures": 2,
    }
    assert fakes["clip"].nunique() == 9  # four methods of two clips, and one of them in c40
    assert set(fakes["group_hint"]) == {"000-003"}
    assert taken.rows.loc[ORIGINALS, "group_hint"].tolist() == ["000-003", "000-003", "033", "097"]
    assert set(fakes.loc[[path for path in FAKES if "000_003" in path], "pair"]) == {ORIGINALS[0]}
    c40 = taken["manipulated_sequences/FaceSwap/c40/videos/000_003.mp4"]
    assert c40["pair"] == "original_sequences/youtube/c40/videos/000.mp4"
    assert json.loads(c40["attributes"]) == {"compression": "c40", "donor": "003"}
    masked = taken[FAKES[0]]
    assert masked["mask_key"] == f"{masked['key'].split('/')[0]}/{masked['raw_sha256']}.mask.mp4"
    assert taken.refused == {}


def test_extracted_frames_pair_with_the_same_frame(take, fill, tmp_path: Path) -> None:
    frames = ("0000.png", "0010.png")
    real = [f"original_sequences/youtube/c23/images/000/{frame}" for frame in frames]
    fake = [f"manipulated_sequences/Face2Face/c23/images/000_003/{frame}" for frame in frames]
    root = fill(tmp_path / "FF++", *real, *fake, "manipulated_sequences/Face2Face/masks/images/000_003/0000.png")
    taken = take(root)
    assert taken.rows.loc[fake, "pair"].tolist() == real
    assert taken.rows.loc[fake, "clip"].tolist() == ["Face2Face/c23/000_003"] * 2
    assert taken.rows.loc[real, "clip"].tolist() == ["youtube/c23/000"] * 2
    assert taken[fake[0]]["mask_key"].endswith(".mask.png")
    assert taken[fake[1]]["mask_key"] == ""


def test_actors_are_a_source_of_their_own(tree_of: Callable[..., Tree]) -> None:
    original = "original_sequences/actors/c23/videos/01__exit_phone_room.mp4"
    found = FaceForensics().find(tree_of([original, ACTED, ORIGINALS[0]]), "").found
    fake = found[ACTED]
    assert (fake.source, fake.generator, fake.group) == ("faceforensics-actors", "DeepFakeDetection", "actor-01")
    assert fake.pair == original
    assert fake.attributes == {
        "compression": "c23",
        "official_split": "",
        "scene": "exit_phone_room",
        "donor": "02",
    }
    assert found[original].group == fake.group
    assert found[ORIGINALS[0]].source == "faceforensics"


def test_a_name_of_another_data_set_is_refused(take, fill, tmp_path: Path) -> None:
    odd = "manipulated_sequences/Deepfakes/c23/images/holiday/0000.png"
    root = fill(tmp_path / "FF++", "original_sequences/youtube/c23/images/000/0000.png", odd)
    (root / "conversion_dict.json").write_text("{}")
    refused = take(root).refused
    assert refused[odd] == "clip name is not one of FaceForensics++"
    assert refused["conversion_dict.json"].startswith("not in a place of the layout faceforensics")


@pytest.mark.parametrize("folder", ["", "splits/"])
def test_official_lists_group_originals_before_their_fakes_arrive(tree_of: Callable[..., Tree], folder: str) -> None:
    files = dict.fromkeys(ORIGINALS, b"") | {f"{folder}val.json": b'[["003", "000"]]'}
    finding = FaceForensics().find(tree_of(files), "")
    assert [finding.found[path].group for path in ORIGINALS] == ["000-003", "000-003", "033", "097"]
    assert [finding.found[path].attributes["official_split"] for path in ORIGINALS] == ["val", "val", "", ""]
    assert f"{folder}val.json" in finding.used


@pytest.mark.parametrize("content", [b"{", b"[1]", b'[["1", "2", "3"]]', b"7"])
def test_a_list_that_is_none_is_an_error(tree_of: Callable[..., Tree], content: bytes) -> None:
    with pytest.raises(DataError, match=r"splits/test\.json: is no list of pairs"):
        FaceForensics().find(tree_of({ORIGINALS[0]: b"", "splits/test.json": content}), "")


def test_landmarks_and_models_beside_the_clips_are_passed_over(tree_of: Callable[..., Tree]) -> None:
    beside = ["original_sequences/youtube/c23/landmarks/000/000.npy", "manipulated_sequences/Deepfakes/models/1.h5"]
    finding = FaceForensics().find(tree_of([ORIGINALS[0], *beside]), "")
    assert finding.used == set(beside)
    assert finding.notes == [f"2 files in downloaded_videos, models, landmarks are passed over (first: {beside[1]})"]


def test_the_user_s_name_for_the_source_counts(tree_of: Callable[..., Tree]) -> None:
    found = FaceForensics().find(tree_of([ACTED, ORIGINALS[0]]), "mine").found
    assert {picture.source for picture in found.values()} == {"mine", "mine-actors"}


NUMBERS = st.integers(0, 30).map("{:03}".format)


@settings(deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS)))
def test_what_swaps_connect_is_one_group(swaps: list[tuple[str, str]]) -> None:
    groups = sequence_groups([f"{target}_{donor}" for target, donor in swaps])
    assert all(groups[target] == groups[donor] for target, donor in swaps)
    assert set(groups) == {number for swap in swaps for number in swap}


def test_groups_that_nothing_connects_differ() -> None:
    groups = sequence_groups(["000_003", "003_000", "033_097", "000"])
    assert groups == {"000": "000-003", "003": "000-003", "033": "033-097", "097": "033-097"}


def test_the_target_is_named_first() -> None:
    assert [target_of(clip) for clip in ("003_000", "003", "id0_id1_0000")] == ["003", "003", ""]
