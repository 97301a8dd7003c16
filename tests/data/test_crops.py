import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.conftest import module_of_extra
from tests.spots import SIZE, clip_of, mask_of, scene
from unmask.config import Assemble, Faces
from unmask.data.assemble import assemble
from unmask.data.ingest import ingest
from unmask.data.manifest import read_manifest
from unmask.data.parallel import Workers
from unmask.data.shards import ShardReader
from unmask.errors import DataError

LEFT, RIGHT = (70, 100, 30), (230, 120, 45)


@pytest.fixture
def settings(settings: Assemble) -> Assemble:
    faces = Faces("tests.spots:SpotDetector", "largest", 0.3, "keep")
    return replace(settings, faces=faces, max_side_px=256, sources=[], unseen_generators=[])


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """Two people a picture; in the fake the smaller one on the left is forged."""
    folder = tmp_path / "pictures/street"
    (folder / "real/camera").mkdir(parents=True)
    (folder / "fake/swap").mkdir(parents=True)
    (folder / "masks/fake/swap").mkdir(parents=True)
    scene([LEFT, RIGHT], seed=1).save(folder / "real/camera/a.png")
    scene([LEFT, RIGHT], seed=2).save(folder / "fake/swap/a.png")
    mask_of(LEFT).save(folder / "masks/fake/swap/a.png")
    scene([], seed=3).save(folder / "real/camera/nobody.png")
    (folder / "pairs.csv").write_text("real,fake\nreal/camera/a.png,fake/swap/a.png\n")
    return tmp_path / "pictures"


def run(root: Path, settings: Assemble) -> tuple[pd.DataFrame, str]:
    ingest(root / "pictures", root / "data", today="2026-11-21", batch="one")
    summary = assemble(root / "data", root / "out", settings=settings, seed=7, workers=Workers())
    return read_manifest(root / "out/manifest.parquet"), summary


def pixels(root: Path, key: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(ShardReader(root / "out").read(key))))


def test_a_crop_is_the_picture_s_own_pixels_around_the_face(street: Path, settings: Assemble) -> None:
    made, _ = run(street.parent, settings)
    row = made[(made["label"] == "real") & made["crop_box"].notna()].iloc[0]
    x0, y0, x1, y1 = (int(value) for value in row["crop_box"])
    assert (row["width"], row["height"]) == (x1 - x0, y1 - y0)
    assert abs((x1 - x0) - 91 * 1.6) <= 1
    whole = np.asarray(Image.open(street / "street/real/camera/a.png"))
    assert np.array_equal(pixels(street.parent, row["key"]), whole[y0:y1, x0:x1])
    assert (row["picture_width"], row["picture_height"]) == SIZE


def test_landmarks_are_in_the_pixels_of_the_crop(street: Path, settings: Assemble) -> None:
    made, _ = run(street.parent, settings)
    for row in made[made["landmarks"].notna()].to_dict("records"):
        points = np.asarray(row["landmarks"]).reshape(68, 2)
        bright = np.argwhere(pixels(street.parent, row["key"]).min(axis=2) > 200)[:, ::-1]
        assert np.abs(points.min(axis=0) - bright.min(axis=0)).max() <= 1.5
        assert np.abs(points.max(axis=0) - bright.max(axis=0)).max() <= 1.5


def test_of_a_fake_the_forged_face_is_cut_with_its_mask(street: Path, settings: Assemble) -> None:
    made, _ = run(street.parent, settings)
    row = made[made["label"] == "fake"].iloc[0]
    assert row["face"] == 0
    mask = pixels(street.parent, row["mask_key"])
    assert mask.shape == (row["height"], row["width"])
    assert (mask > 127).sum() == (np.asarray(mask_of(LEFT)) > 127).sum()


def test_every_face_is_a_row_of_one_group(street: Path, settings: Assemble) -> None:
    made, _ = run(street.parent, replace(settings, faces=replace(settings.faces, crop="every")))
    real = made[(made["label"] == "real") & made["crop_box"].notna()]
    assert sorted(real["face"]) == [0, 1]
    assert real["group"].nunique() == real["raw_sha256"].nunique() == 1


def test_a_fake_names_the_same_face_of_its_original(street: Path, settings: Assemble) -> None:
    made, _ = run(street.parent, replace(settings, faces=replace(settings.faces, crop="every")))
    fake = made[made["label"] == "fake"].iloc[0]
    origin = made.set_index("image_id").loc[fake["forged_from"]]
    assert (origin["label"], origin["face"]) == ("real", 0)


def test_a_picture_without_a_face_is_kept_whole_or_quarantined(street: Path, settings: Assemble) -> None:
    made, summary = run(street.parent, settings)
    assert made["face_score"].eq(0).sum() == 1
    assert "faces found in 66.7% of 3" in summary
    out = replace(settings, faces=replace(settings.faces, missing="quarantine"))
    assemble(street.parent / "data", street.parent / "out", settings=out, seed=7, workers=Workers())
    assert len(read_manifest(street.parent / "out/manifest.parquet")) == 2
    listed = pd.read_parquet(street.parent / "out/quarantine.parquet")
    assert listed[["path", "reason"]].to_numpy().tolist() == [["real/camera/nobody.png", "no face found"]]


def test_a_fake_whose_mask_marks_nothing_is_quarantined(street: Path, settings: Assemble) -> None:
    Image.new("L", SIZE, 0).save(street / "street/masks/fake/swap/a.png")
    made, _ = run(street.parent, settings)
    listed = pd.read_parquet(street.parent / "out/quarantine.parquet")
    assert set(made["label"]) == {"real"}
    assert listed["reason"].tolist() == ["its mask marks nothing, though it is called fake"]


def test_a_fake_whose_forged_face_was_missed_is_quarantined(street: Path, settings: Assemble) -> None:
    mask_of((160, 200, 30)).save(street / "street/masks/fake/swap/a.png")
    run(street.parent, replace(settings, faces=replace(settings.faces, missing="quarantine")))
    listed = pd.read_parquet(street.parent / "out/quarantine.parquet").set_index("path")["reason"]
    assert listed["fake/swap/a.png"] == "no face under its mask found"


def test_a_face_that_is_too_small_is_quarantined(street: Path, settings: Assemble) -> None:
    run(street.parent, replace(settings, min_side_px=120))
    listed = pd.read_parquet(street.parent / "out/quarantine.parquet")
    assert listed[["path", "reason"]].to_numpy().tolist() == [["fake/swap/a.png", "face with its margin under 120 px"]]


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A real clip and its forgery, ten frames each, in which a face wanders to the right."""
    module_of_extra("av", "clips")
    folder = tmp_path / "pictures/news"
    for label, seed in (("real/camera", 0), ("fake/swap", 50)):
        (folder / label).mkdir(parents=True)
        frames = [scene([(60 + 20 * number, 120, 40)], seed=seed + number) for number in range(10)]
        (folder / label / "walk.mp4").write_bytes(clip_of(frames))
    (folder / "pairs.csv").write_text("real,fake\nreal/camera/walk.mp4,fake/swap/walk.mp4\n")
    return tmp_path


def test_frames_are_spread_over_the_whole_clip_and_share_its_group(clips: Path, settings: Assemble) -> None:
    made, summary = run(clips, settings)
    real = made[made["label"] == "real"].sort_values("frame")
    assert real["frame"].tolist() == [1, 5, 8]
    assert real["frame_time_s"].tolist() == [1.0, 5.0, 8.0]
    assert made["group"].nunique() == 1
    assert set(made["clip"]) == {"real/camera/walk", "fake/swap/walk"}
    assert set(made["format"]) == {"H264"}
    assert "2 clips" in summary


def test_a_forged_frame_names_the_same_frame_of_its_original(clips: Path, settings: Assemble) -> None:
    made, _ = run(clips, settings)
    by_id = made.set_index("image_id")
    fakes = made[made["label"] == "fake"]
    assert len(fakes) == 3
    for row in fakes.itertuples():
        assert by_id.loc[row.forged_from, ["label", "frame"]].tolist() == ["real", row.frame]


@pytest.mark.parametrize(("masked", "bare"), [(6, [8]), (2, [5, 8]), (10, [])])
def test_frames_that_a_clip_of_masks_lacks_are_kept_without_one(
    clips: Path, settings: Assemble, masked: int, bare: list[int]
) -> None:
    masks = clips / "pictures/news/masks/fake/swap/walk.mp4"
    masks.parent.mkdir(parents=True)
    masks.write_bytes(clip_of([mask_of((60 + 20 * number, 120, 40)).convert("RGB") for number in range(masked)]))
    made, _ = run(clips, settings)
    fakes = made[made["label"] == "fake"].sort_values("frame")
    assert fakes["frame"].tolist() == [1, 5, 8]
    assert fakes.loc[fakes["mask_key"] == "", "frame"].tolist() == bare
    listed = pd.read_parquet(clips / "out/quarantine.parquet")
    frames = f"{len(bare)} of 3 frames taken (first: {bare[0] if bare else ''})"
    expected = f"its clip of masks lacks {frames}; they are used as frames without a mask"
    assert listed[["path", "reason"]].to_numpy().tolist() == ([["fake/swap/walk.mp4", expected]] if bare else [])
    assert listed["used"].all()


@pytest.mark.parametrize("where", ["unmask.data.decode._to_rgb", "unmask.data.crops._png"])
def test_a_file_over_which_memory_ran_out_is_tried_again(
    street: Path, settings: Assemble, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starve(*_: object) -> None:
        raise MemoryError

    root = street.parent
    ingest(street, root / "data", today="2026-11-21", batch="one")
    with monkeypatch.context() as patched:
        patched.setattr(where, starve)
        with pytest.raises(DataError, match=r"shard-0000\.zip/\w+\.png: memory ran out over it; try a smaller scale"):
            assemble(root / "data", root / "out", settings=settings, seed=7, workers=Workers())
    assert not list((root / "out").glob("rows-*.parquet"))
    assemble(root / "data", root / "out", settings=settings, seed=7, workers=Workers())
    assert len(read_manifest(root / "out/manifest.parquet")) == 3


def test_a_larger_clip_than_allowed_is_quarantined(clips: Path, settings: Assemble) -> None:
    made, _ = run(clips, replace(settings, max_clip_megabytes=1.0))
    assert len(made) == 6
    size = max(file.stat().st_size for file in (clips / "pictures").rglob("*.mp4")) / 1e6
    with pytest.raises(Exception, match="larger than"):
        run(clips, replace(settings, max_clip_megabytes=size / 100))


# Stands still after its first shard, so that there is a moment at which to kill it.
CHILD = """
import time
from pathlib import Path
import unmask.data.assemble as module
from unmask.config import Assemble, Encoder, Faces
from unmask.data.parallel import Workers
write = module._write_crops
def write_and_wait(*arguments):
    write(*arguments)
    print("one shard", flush=True)
    time.sleep(600)
module._write_crops = write_and_wait
module.assemble(Path({data!r}), Path({out!r}), settings={settings!r}, seed=7, workers=Workers())
"""


def test_killed_between_shards_it_ends_with_the_same_manifest(tmp_path: Path, settings: Assemble) -> None:
    for batch in range(2):
        folder = tmp_path / f"{batch}/street/real/camera"
        folder.mkdir(parents=True)
        for number in range(4):
            scene([LEFT], seed=10 * batch + number).save(folder / f"{number}.png")
        ingest(tmp_path / str(batch), tmp_path / "data", today="2026-11-21", batch=f"b{batch}")
    assemble(tmp_path / "data", tmp_path / "whole", settings=settings, seed=7, workers=Workers())
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            CHILD.format(data=str(tmp_path / "data"), out=str(tmp_path / "killed"), settings=settings),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "one shard\n"
    child.kill()
    child.wait()
    assert len(list((tmp_path / "killed").glob("crops-*.zip"))) == 1
    assert not (tmp_path / "killed/manifest.parquet").exists()
    assemble(tmp_path / "data", tmp_path / "killed", settings=settings, seed=7, workers=Workers())
    for name in ("manifest.parquet", "quarantine.parquet", "duplicates.parquet"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
