import json
from collections.abc import Callable
from pathlib import Path

import pytest

from unmask.data.sources.deepfakebench import DeepfakeBench
from unmask.data.sources.tree import Tree
from unmask.errors import DataError

REAL = "FaceForensics++/original_sequences/youtube/c23/frames/000/0{}.png"
FAKE = "FaceForensics++/manipulated_sequences/{}/c23/frames/000_003/0{}.png"


def listed(kind: str, clip: str, frames: list[str], *, split: str = "train") -> dict[str, object]:
    return {split: {"c23": {clip: {"label": kind, "frames": frames}}}}


def test_frames_of_several_lists(take, fill, tmp_path: Path) -> None:
    real = [REAL.format(frame) for frame in "12"]
    fakes = {"FF-DF": FAKE.format("Deepfakes", 1), "FF-NT": FAKE.format("NeuralTextures", 1)}
    mask = fakes["FF-DF"].replace("/frames/", "/masks/")
    root = fill(tmp_path / "datasets", *real, *fakes.values(), mask)
    for kind, fake in fakes.items():
        # The published lists were written on Windows; our own name another machine's folders.
        frames = [path.replace("/", "\\") for path in real] if kind == "FF-DF" else [f"/data/{path}" for path in real]
        content = {kind: {"FF-real": listed("FF-real", "000", frames), kind: listed(kind, "000_003", [fake])}}
        (root / f"{kind}.json").write_text(json.dumps(content))
    taken = take(root)
    assert set(taken.rows["source"]) == {"FaceForensics++"}
    assert taken.rows["generator"].to_dict() == dict.fromkeys(real, "camera") | {
        path: kind for kind, path in fakes.items()
    }
    assert set(taken.rows["group_hint"]) == {"000-003"}
    assert taken.rows.loc[list(fakes.values()), "pair"].tolist() == [real[0], real[0]]
    assert taken[fakes["FF-NT"]]["clip"] == "FF-NT/c23/000_003"
    assert taken[fakes["FF-DF"]]["mask_key"].endswith(".mask.png")
    assert json.loads(taken[real[0]]["attributes"]) == {"compression": "c23"}
    assert taken.refused == {}


def test_celeb_df_in_a_list(tree_of: Callable[..., Tree]) -> None:
    real, fake = (
        "Celeb-DF-v2/Celeb-real/frames/id0_0000/000.png",
        "Celeb-DF-v2/Celeb-synthesis/frames/id0_id1_0000/000.png",
    )
    videos = {
        "CelebDFv2_real": {"train": {"id0_0000": {"label": "CelebDFv2_real", "frames": [real]}}},
        "CelebDFv2_fake": {"test": {"id0_id1_0000": {"label": "CelebDFv2_fake", "frames": [fake, fake]}}},
    }
    content = json.dumps({"Celeb-DF-v2": videos}).encode()
    found = DeepfakeBench().find(tree_of({"Celeb-DF-v2.json": content, real: b"", fake: b""}), "").found
    assert (found[fake].source, found[fake].generator) == ("Celeb-DF-v2", "CelebDFv2_fake")
    assert (found[fake].group, found[real].group) == ("id0", "id0")
    assert found[fake].pair == real


def test_the_actors_of_deepfakedetection_in_a_list(tree_of: Callable[..., Tree]) -> None:
    real = "FF/original_sequences/actors/c23/frames/01__exit_phone_room/000.png"
    fake = "FF/manipulated_sequences/DeepFakeDetection/c23/frames/01_02__exit_phone_room__ABCD1234/000.png"
    videos = {
        "DFD_real": {"test": {"c23": {"01__exit_phone_room": {"label": "DFD_real", "frames": [real]}}}},
        "DFD_fake": {"test": {"c23": {"01_02__exit_phone_room__ABCD1234": {"label": "DFD_fake", "frames": [fake]}}}},
    }
    content = json.dumps({"DeepFakeDetection": videos}).encode()
    found = DeepfakeBench().find(tree_of({"DFD.json": content, real: b"", fake: b""}), "").found
    assert found[fake].group == found[real].group == "actor-01"
    assert found[fake].pair == real


def test_every_row_without_a_file_or_a_label_is_refused(tree_of: Callable[..., Tree]) -> None:
    content = {
        "X": {"odd": listed("cartoon", "1", ["X/frames/1/0.png"]), "DF_real": listed("DF_real", "2", ["../../0.png"])}
    }
    finding = DeepfakeBench().find(tree_of({"X.json": json.dumps(content).encode(), "X/frames/1/0.png": b""}), "")
    assert {item.path: item.reason for item in finding.refused} == {
        "X/frames/1/0.png": "class 'cartoon' is neither real nor fake in DeepfakeBench",
        "../../0.png": "no such file below the list's folder",
    }
    assert finding.found == {}


def test_a_frame_named_as_real_and_as_fake_is_refused(tree_of: Callable[..., Tree]) -> None:
    content = {"X": {"a": listed("DF_fake", "1", ["0.png"]), "b": listed("DF_real", "1", ["0.png"])}}
    finding = DeepfakeBench().find(tree_of({"X.json": json.dumps(content).encode(), "0.png": b""}), "")
    assert [item.reason for item in finding.refused] == ["named as fake and real"]
    assert finding.found == {}


def test_a_lost_frame_of_several_lists_is_one_row(tree_of: Callable[..., Tree]) -> None:
    content = {"X": {"a": listed("DF_real", "1", ["0.png"]), "b": listed("DF_real", "2", ["0.png"], split="test")}}
    files = {name: json.dumps(content).encode() for name in ("X.json", "Y.json")}
    assert len(DeepfakeBench().find(tree_of(files), "").refused) == 1


def test_a_damaged_list_is_an_error(tree_of: Callable[..., Tree]) -> None:
    with pytest.raises(DataError, match=r"X\.json: can't be read as JSON"):
        DeepfakeBench().find(tree_of({"X.json": b'{"a": {"label": "b", "frames": ['}), "")
