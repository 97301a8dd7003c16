import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from tests.faces import plans, write_faces
from unmask.data.audit.integrity import masks_of_other_size, missing_members, summed_up, unreadable_crops
from unmask.data.manifest import MANIFEST_SCHEMA, read_manifest
from unmask.data.tables import empty_frame


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write_faces(folder, plans(4, 2, "train"))
    return folder


@pytest.fixture
def dataset(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "dataset"))


def test_whole_shards_give_no_trouble(whole):
    rows = read_manifest(whole / "manifest.parquet")
    assert missing_members(rows, whole) == {}
    assert unreadable_crops(rows, whole, per_source=99) == {}
    assert masks_of_other_size(rows, whole) == {}


def test_an_empty_manifest_gives_no_trouble(tmp_path):
    rows = empty_frame(MANIFEST_SCHEMA)
    assert missing_members(rows, tmp_path) == {}
    assert unreadable_crops(rows, tmp_path, per_source=9) == {}
    assert masks_of_other_size(rows, tmp_path) == {}


@pytest.mark.parametrize(("harm", "reason"), [("cut", "damaged shard"), ("gone", "missing shard")])
def test_every_row_of_a_broken_shard_is_told(dataset, harm, reason):
    rows, shard = read_manifest(dataset / "manifest.parquet"), dataset / "crops-a.zip"
    content = shard.read_bytes()
    shard.unlink()
    if harm == "cut":
        shard.write_bytes(content[: len(content) // 2])
    troubles = missing_members(rows, dataset)
    assert set(troubles) == set(rows["image_id"])
    (line,) = summed_up(troubles)
    assert "crops-a.zip" in line
    assert reason in line
    assert "(6 rows)" in line


def test_a_member_that_is_not_there_is_told(dataset):
    rows = read_manifest(dataset / "manifest.parquet")
    rows.loc[2, "key"] = "crops-a.zip/0000000000000000.png"
    assert set(missing_members(rows, dataset)) == {rows.loc[2, "image_id"]}


@pytest.mark.parametrize("key", ["../crops-a.zip/x.png", "/etc/passwd", "x.png"])
def test_a_key_that_leads_elsewhere_is_not_followed(dataset, key):
    rows = read_manifest(dataset / "manifest.parquet")
    rows.loc[0, "key"] = key
    assert "not the name of a shard" in missing_members(rows, dataset)[rows.loc[0, "image_id"]]


def test_damage_within_a_shard_and_a_wrong_size_are_told(dataset):
    rows, shard = read_manifest(dataset / "manifest.parquet"), dataset / "crops-a.zip"
    with zipfile.ZipFile(shard) as opened:
        start = opened.getinfo(rows.loc[1, "key"].rpartition("/")[2]).header_offset
    content = bytearray(shard.read_bytes())
    content[start + 200 : start + 240] = bytes(40)
    shard.write_bytes(content)
    rows.loc[3, "width"] = 65
    troubles = unreadable_crops(rows, dataset, per_source=99)
    assert set(troubles) == {rows.loc[1, "image_id"], rows.loc[3, "image_id"]}
    assert troubles[rows.loc[3, "image_id"]] == "64 x 64 px, its row says 65 x 64"


def test_a_sample_is_taken_of_each_source_and_is_always_the_same(whole):
    rows = read_manifest(whole / "manifest.parquet").assign(width=1)
    rows.loc[[0, 1], "source"] = "small"
    found = unreadable_crops(rows, whole, per_source=1)
    assert len(found) == 2
    assert found == unreadable_crops(rows.iloc[::-1], whole, per_source=1)


def test_a_mask_of_another_size_is_told(dataset, tmp_path):
    rows = read_manifest(dataset / "manifest.parquet")
    Image.new("L", (10, 12)).save(tmp_path / "mask.png")
    with zipfile.ZipFile(dataset / "masks.zip", "w") as shard:
        shard.write(tmp_path / "mask.png", "m.png")
    rows.loc[5, "mask_key"] = "masks.zip/m.png"
    assert masks_of_other_size(rows, dataset) == {rows.loc[5, "image_id"]: "mask of 10 x 12 px on a crop of 64 x 64"}
