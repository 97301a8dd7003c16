import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import unmask.data.assemble
from unmask.config import Assemble, Faces
from unmask.data.assemble import assemble
from unmask.data.ingest import ingest
from unmask.data.manifest import read_manifest
from unmask.data.parallel import Workers
from unmask.data.quality import content_id
from unmask.data.shards import ShardReader
from unmask.errors import ConfigError, DataError

Put = Callable[..., Path]
Draw = Callable[..., Image.Image]


def take(root: Path, data: Path, batch: str) -> None:
    ingest(root, data, today="2026-11-21", batch=batch)


def run(data: Path, out: Path, settings: Assemble, *, workers: int = 1) -> pd.DataFrame:
    assemble(data, out, settings=settings, seed=7, workers=Workers(workers))
    return read_manifest(out / "manifest.parquet")


@pytest.fixture
def data(sources: Path, tmp_path: Path) -> Path:
    take(sources, tmp_path / "data", "one")
    return tmp_path / "data"


@pytest.fixture
def made(data: Path, tmp_path: Path, settings: Assemble) -> pd.DataFrame:
    return run(data, tmp_path / "out", settings)


def test_every_picture_becomes_a_crop(made: pd.DataFrame) -> None:
    assert made.groupby(["label", "generator"]).size().to_dict() == {
        ("real", "camera"): 6,
        ("fake", "swap"): 6,
        ("fake", "warp"): 2,
        ("unlabelled", ""): 2,
    }


def test_crops_are_lossless_shrunk_and_named_by_content(made: pd.DataFrame, tmp_path: Path) -> None:
    reader = ShardReader(tmp_path / "out")
    for row in made.itertuples():
        image = Image.open(io.BytesIO(reader.read(row.key)))
        assert (image.format, image.size) == ("PNG", (64, 53))
        assert (row.width, row.height, row.picture_width, row.picture_height) == (64, 53, 96, 80)
        assert content_id(image) == row.image_id


def test_a_picture_within_the_size_keeps_its_pixels(data: Path, tmp_path: Path, settings: Assemble) -> None:
    made = run(data, tmp_path / "out", replace(settings, max_side_px=128))
    reader = ShardReader(tmp_path / "out")
    rows = made[made["format"] == "PNG"]
    for row in rows.itertuples():
        crop = Image.open(io.BytesIO(reader.read(row.key)))
        raw = ShardReader(data / "one").read(f"shard-0000.zip/{row.raw_sha256}.png")
        assert np.array_equal(np.asarray(crop), np.asarray(Image.open(io.BytesIO(raw))))


def test_landmarks_are_scaled_to_the_crop(made: pd.DataFrame) -> None:
    points = made.loc[made["generator"] == "swap", "landmarks"].iloc[0]
    expected = np.linspace(0, 79, 136).reshape(-1, 2) * [64 / 96, 53 / 80]
    assert points == pytest.approx(expected.ravel(), abs=1e-4)
    assert made.loc[made["label"] == "unlabelled", "landmarks"].isna().all()


def test_masks_follow_the_crop(made: pd.DataFrame, tmp_path: Path) -> None:
    keys = made.loc[made["generator"] == "swap", "mask_key"]
    mask = Image.open(io.BytesIO(ShardReader(tmp_path / "out").read(keys.iloc[0])))
    assert (mask.mode, mask.size) == ("L", (64, 53))
    assert set(made.loc[made["generator"] != "swap", "mask_key"]) == {""}


def test_a_fake_names_its_real_and_shares_its_group(made: pd.DataFrame) -> None:
    by_id = made.set_index("image_id")
    swaps = made[made["generator"] == "swap"]
    for row in swaps.itertuples():
        assert by_id.loc[row.forged_from, "label"] == "real"
        assert by_id.loc[row.forged_from, "group"] == row.group


def test_domain_and_known_attributes(made: pd.DataFrame) -> None:
    swaps = made[made["generator"] == "swap"]
    assert set(swaps["domain"]) == {"wall", "park"}
    assert set(swaps["attribute_mask"]) == {'["background"]'}
    assert set(made.loc[made["label"] == "unlabelled", "domain"]) == {"unknown"}
    assert json.loads(swaps["attributes"].iloc[0])["background"] in {"wall", "park"}


def test_domain_may_be_the_source(data: Path, tmp_path: Path, settings: Assemble) -> None:
    assert set(run(data, tmp_path / "out", replace(settings, domain="source"))["domain"]) == {"news"}


def test_a_second_run_makes_no_crop_and_the_same_manifest(
    data: Path, tmp_path: Path, settings: Assemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(data, tmp_path / "out", settings)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    monkeypatch.delattr(unmask.data.assemble, "_write_crops")
    run(data, tmp_path / "out", settings)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_only_a_new_batch_is_worked_on(
    data: Path, tmp_path: Path, settings: Assemble, make_source: Callable[..., Path]
) -> None:
    early = run(data, tmp_path / "out", settings)
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("crops-*.zip")}
    take(make_source(tmp_path / "more", first_seed=500), data, "two")
    late = run(data, tmp_path / "out", settings)
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    assert len(list((tmp_path / "out").glob("crops-*.zip"))) == 2
    kept = late[late["batch"] == "one"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, early)


def test_people_who_come_back_join_their_group(
    data: Path, tmp_path: Path, settings: Assemble, make_source: Callable[..., Path]
) -> None:
    take(make_source(tmp_path / "more", first_seed=500), data, "two")
    made = run(data, tmp_path / "out", settings)
    people = made[(made["label"] == "real")].groupby("group")["batch"].nunique()
    assert people.tolist() == [2] * 6


def test_identities_of_different_sources_are_different(
    data: Path, tmp_path: Path, settings: Assemble, make_source: Callable[..., Path]
) -> None:
    take(make_source(tmp_path / "more", "other", first_seed=500), data, "two")
    made = run(data, tmp_path / "out", settings)
    assert (made.groupby("group")["source"].nunique() == 1).all()


def test_settings_that_don_t_change_crops_keep_them(data: Path, tmp_path: Path, settings: Assemble) -> None:
    run(data, tmp_path / "out", settings)
    stamps = [path.stat().st_mtime_ns for path in sorted((tmp_path / "out").glob("*-*.zip"))]
    run(data, tmp_path / "out", replace(settings, val_fraction=0.1, labelled_fraction=1.0))
    assert [path.stat().st_mtime_ns for path in sorted((tmp_path / "out").glob("*-*.zip"))] == stamps


def test_stale_and_unfinished_files_are_removed(data: Path, tmp_path: Path, settings: Assemble) -> None:
    run(data, tmp_path / "out", settings)
    (tmp_path / "out/.crops-1.zip.0000.tmp").touch()
    run(data, tmp_path / "out", replace(settings, max_side_px=48))
    assert len(list((tmp_path / "out").glob("crops-*.zip"))) == 1
    assert list((tmp_path / "out").glob(".*")) == []


def test_a_damaged_cache_is_made_again(data: Path, tmp_path: Path, settings: Assemble) -> None:
    before = run(data, tmp_path / "out", settings)
    (crops,) = (tmp_path / "out").glob("crops-*.zip")
    crops.write_bytes(crops.read_bytes()[:100])
    pd.testing.assert_frame_equal(run(data, tmp_path / "out", settings), before)
    assert ShardReader(tmp_path / "out").read(before["key"].iloc[0])


def test_processes_change_nothing(
    data: Path, tmp_path: Path, settings: Assemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = run(data, tmp_path / "a", settings)
    monkeypatch.setattr(unmask.data.assemble, "_CHUNK", 4)
    pd.testing.assert_frame_equal(run(data, tmp_path / "b", settings, workers=2), alone)


def test_sources_can_be_chosen(
    data: Path, tmp_path: Path, settings: Assemble, make_source: Callable[..., Path]
) -> None:
    take(make_source(tmp_path / "more", "other", first_seed=500), data, "two")
    assert set(run(data, tmp_path / "out", replace(settings, sources=["other"]))["source"]) == {"other"}
    with pytest.raises(ConfigError, match=r"assemble\.sources: .* no source nwes; it holds news, other"):
        run(data, tmp_path / "out", replace(settings, sources=["nwes"]))


def test_what_can_t_be_used_is_listed(
    sources: Path, tmp_path: Path, settings: Assemble, put_picture: Put, draw_picture: Draw
) -> None:
    put_picture(sources / "news/real/camera/tiny.png", draw_picture(70, (40, 20)))
    put_picture(sources / "news/real/camera/wide.png", draw_picture(71, (1100, 1000)))
    (sources / "news/real/camera/note.txt").write_text("hello")
    take(sources, tmp_path / "data", "one")
    run(tmp_path / "data", tmp_path / "out", settings)
    listed = pd.read_parquet(tmp_path / "out/quarantine.parquet").set_index("path")["reason"].to_dict()
    assert listed == {
        "real/camera/note.txt": "not a JPEG, PNG, WebP, BMP or TIFF picture",
        "real/camera/tiny.png": "shorter side under 32 px",
        "real/camera/wide.png": "more than 1 megapixels",
    }


def test_equal_pixels_stay_once(sources: Path, tmp_path: Path, settings: Assemble) -> None:
    image = Image.open(sources / "news/real/camera/1.png")
    image.save(sources / "news/real/camera/again.bmp")
    take(sources, tmp_path / "data", "one")
    made = run(tmp_path / "data", tmp_path / "out", settings)
    duplicates = pd.read_parquet(tmp_path / "out/duplicates.parquet")
    assert len(made) == 16
    assert len(duplicates) == 1
    assert {duplicates["path"].iloc[0], duplicates["kept_path"].iloc[0].removeprefix("news/")} == {
        "real/camera/1.png",
        "real/camera/again.bmp",
    }


def test_an_unlabelled_copy_gives_way_to_the_labelled_one(sources: Path, tmp_path: Path, settings: Assemble) -> None:
    Image.open(sources / "news/real/camera/1.png").save(sources / "news/unlabelled/mixed/copy.bmp")
    take(sources, tmp_path / "data", "one")
    run(tmp_path / "data", tmp_path / "out", settings)
    assert pd.read_parquet(tmp_path / "out/duplicates.parquet")["path"].tolist() == ["unlabelled/mixed/copy.bmp"]


def test_equal_pixels_with_opposite_labels_are_quarantined(sources: Path, tmp_path: Path, settings: Assemble) -> None:
    Image.open(sources / "news/real/camera/1.png").save(sources / "news/fake/swap/copy.bmp")
    take(sources, tmp_path / "data", "one")
    made = run(tmp_path / "data", tmp_path / "out", settings)
    quarantine = pd.read_parquet(tmp_path / "out/quarantine.parquet")
    assert len(made) == 15
    assert quarantine[["path", "reason"]].to_numpy().tolist() == [
        ["fake/swap/copy.bmp", "same pixels as real and as fake"],
        ["real/camera/1.png", "same pixels as real and as fake"],
    ]


def test_near_duplicates_share_a_group(sources: Path, tmp_path: Path, settings: Assemble, put_picture: Put) -> None:
    again = Image.open(sources / "news/real/camera/1.png").resize((90, 75))
    put_picture(sources / "news/real/camera/again.jpg", again)
    take(sources, tmp_path / "data", "one")
    made = run(tmp_path / "data", tmp_path / "out", settings)
    assert made["group"].value_counts().max() == 3


def test_flat_pictures_are_not_near_duplicates(
    sources: Path, tmp_path: Path, settings: Assemble, put_picture: Put
) -> None:
    rng = np.random.default_rng(0)
    for number in range(20):
        dark = Image.fromarray(rng.integers(0, 3, (80, 96, 3), dtype=np.uint8))
        put_picture(sources / f"news/real/camera/dark{number}.png", dark)
    take(sources, tmp_path / "data", "one")
    made = run(tmp_path / "data", tmp_path / "out", settings)
    assert made.loc[made["brightness"] < 0.01, "group"].nunique() == 20


def test_missing_data_says_how_to_get_some(tmp_path: Path, settings: Assemble) -> None:
    with pytest.raises(DataError, match=r"data/: missing or empty.*dvc pull -r sample data\.dvc.*unmask ingest"):
        run(tmp_path / "data", tmp_path / "out", settings)


def test_a_missing_shard_is_named(data: Path, tmp_path: Path, settings: Assemble) -> None:
    (data / "one/shard-0000.zip").unlink()
    with pytest.raises(DataError, match=r"one/shard-0000\.zip: missing shard"):
        run(data, tmp_path / "out", settings)


def test_a_damaged_shard_is_named_and_leaves_no_manifest(
    data: Path, tmp_path: Path, settings: Assemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unmask.data.assemble, "_CHUNK", 4)
    shard = data / "one/shard-0000.zip"
    content = bytearray(shard.read_bytes())
    content[5000:5100] = bytes(100)
    shard.write_bytes(content)
    with pytest.raises(DataError, match=r"one/shard-0000\.zip: damaged shard"):
        run(data, tmp_path / "out", settings, workers=2)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"faces": Faces("dlib", "none", 0.3, "keep")}, "faces.detector"),
        ({"faces": Faces("none", "all", 0.3, "keep")}, "faces.crop"),
        ({"faces": Faces("none", "largest", 3.0, "keep")}, "faces.margin"),
        ({"faces": Faces("none", "largest", 0.3, "drop")}, "faces.missing"),
        ({"clip_frames": 0}, "clip_frames"),
        ({"min_side_px": 100}, "min_side_px"),
        ({"val_fraction": 0.6, "test_fraction": 0.4}, "val_fraction"),
        ({"labelled_fraction": 1.5}, "labelled_fraction"),
        ({"near_duplicate_bits": 64}, "near_duplicate_bits"),
    ],
)
def test_settings_out_of_range_are_named(
    tmp_path: Path, settings: Assemble, change: dict[str, object], key: str
) -> None:
    with pytest.raises(ConfigError, match=f"assemble.{key}"):
        run(tmp_path / "data", tmp_path / "out", replace(settings, **change))


def test_a_data_folder_of_links_into_a_cache_is_read(data: Path, tmp_path: Path, settings: Assemble) -> None:
    shutil.move(data / "one/shard-0000.zip", tmp_path / "cached")
    (data / "one/shard-0000.zip").symlink_to(tmp_path / "cached")
    assert len(run(data, tmp_path / "out", settings)) == 16
