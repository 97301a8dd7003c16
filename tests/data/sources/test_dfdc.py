import json
from collections.abc import Callable
from pathlib import Path

import pytest

from unmask.data.sources.dfdc import Dfdc
from unmask.data.sources.recognise import survey
from unmask.data.sources.tree import Tree
from unmask.errors import DataError

PART = "dfdc_train_part_0"
METADATA = {
    "owxbbpjpch.mp4": {"label": "FAKE", "split": "train", "original": "wynotylpnm.mp4"},
    "wynotylpnm.mp4": {"label": "REAL", "split": "train"},
    "vpmyeepbep.mp4": {"label": "REAL", "split": "train"},
    "htorvhbcae.mp4": {"label": "MAYBE", "split": "train"},
    "fzvpbrzssi.mp4": {"split": "train"},
}


def test_parts_with_their_metadata(take, fill_clips, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = ["owxbbpjpch", "wynotylpnm", "htorvhbcae", "fzvpbrzssi", "aaaaaaaaaa"]
    root = fill_clips(tmp_path / "dfdc", *(f"{PART}/{clip}.mp4" for clip in here))
    (root / PART / "metadata.json").write_text(json.dumps(METADATA))
    fill_clips(root, "dfdc_train_part_1/sttnfyptum.mp4")
    entry = {"sttnfyptum.mp4": {"label": "FAKE", "split": "test", "original": "wynotylpnm.mp4"}}
    (root / "dfdc_train_part_1/metadata.json").write_text(json.dumps(entry))
    taken = take(root)
    real, fake, later = f"{PART}/wynotylpnm.mp4", f"{PART}/owxbbpjpch.mp4", "dfdc_train_part_1/sttnfyptum.mp4"
    assert taken.rows["label"].to_dict() == {real: "real", fake: "fake", later: "fake"}
    assert set(taken.rows["source"]) == {"dfdc"}
    assert taken.rows["generator"].to_dict() == {real: "camera", fake: "dfdc", later: "dfdc"}
    assert taken.rows.loc[[fake, later], "pair"].tolist() == [real, real]
    assert set(taken.rows["group_hint"]) == {"wynotylpnm"}
    assert taken[fake]["clip"] == f"{PART}/owxbbpjpch"
    assert json.loads(taken[later]["attributes"]) == {"official_split": "test"}
    assert taken.refused == {
        f"{PART}/htorvhbcae.mp4": "metadata.json gives it the label 'MAYBE', not REAL or FAKE",
        f"{PART}/fzvpbrzssi.mp4": "metadata.json gives it no label",
        f"{PART}/aaaaaaaaaa.mp4": "metadata.json has no entry for it",
    }
    assert "1 clips that metadata.json names are not here (first: vpmyeepbep.mp4)" in capsys.readouterr().err


def test_frames_beside_the_clips(tree_of: Callable[..., Tree]) -> None:
    real, fake = f"{PART}/frames/wynotylpnm/000.png", f"{PART}/frames/owxbbpjpch/000.png"
    found = Dfdc().find(tree_of({f"{PART}/metadata.json": json.dumps(METADATA).encode(), real: b"", fake: b""}), "")
    assert found.found[fake].pair == real
    assert found.found[fake].clip == f"{PART}/owxbbpjpch"


def test_one_part_is_enough(take, fill_clips, tmp_path: Path) -> None:
    root = fill_clips(tmp_path / PART, "wynotylpnm.mp4")
    (root / "metadata.json").write_text(json.dumps(METADATA))
    assert take(root)["wynotylpnm.mp4"]["clip"] == "wynotylpnm"


def test_hostile_metadata_is_an_error_or_a_row(tree_of: Callable[..., Tree]) -> None:
    bent = {"a.mp4": ["FAKE"], "\ud800.mp4": {"label": "REAL"}, "b.mp4": {"label": "FAKE", "original": "../../x.mp4"}}
    finding = Dfdc().find(tree_of({"metadata.json": json.dumps(bent).encode(), "a.mp4": b"", "b.mp4": b""}), "")
    assert [item.path for item in finding.refused] == ["a.mp4"]
    assert finding.found["b.mp4"].pair not in {"a.mp4", "b.mp4"}
    with pytest.raises(DataError, match=r"metadata\.json: can't be read as JSON"):
        Dfdc().find(tree_of({"metadata.json": b"[" * 100_000}), "")


def test_a_folder_with_some_other_metadata_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text('{"title": "holidays"}')
    with pytest.raises(DataError, match="no layout recognised"):
        survey(tmp_path, layout=None, source=None)
