import errno
import os
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

import unmask.data.ingest
from unmask.console import describe
from unmask.data.batches import Batch, list_batches, read_index, read_quarantine
from unmask.data.examine import Caps
from unmask.data.ingest import ingest
from unmask.data.shards import ShardReader
from unmask.errors import DataError, ResourceError

take = partial(ingest, today="2026-11-21")


def only_batch(data: Path) -> Batch:
    (batch,) = list_batches(data)
    return batch


def rows_by_path(data: Path) -> pd.DataFrame:
    return read_index(only_batch(data)).set_index("path")


def reasons(data: Path) -> dict[str, str]:
    table = read_quarantine(only_batch(data))
    return dict(zip(table["path"], table["reason"], strict=True))


def test_folders_become_labels_and_generators(sources: Path, tmp_path: Path) -> None:
    take(sources, tmp_path / "data")
    rows = rows_by_path(tmp_path / "data")
    assert rows.groupby(["label", "generator"]).size().to_dict() == {
        ("real", "camera"): 6,
        ("fake", "swap"): 6,
        ("fake", "warp"): 2,
        ("unlabelled", ""): 2,
    }


def test_bytes_are_stored_as_they_are(sources: Path, tmp_path: Path) -> None:
    take(sources, tmp_path / "data")
    rows = rows_by_path(tmp_path / "data")
    reader = ShardReader(only_batch(tmp_path / "data").folder)
    assert all((sources / "news" / path).read_bytes() == reader.read(key) for path, key in rows["key"].items())


def test_sidecars_are_kept(sources: Path, tmp_path: Path) -> None:
    take(sources, tmp_path / "data")
    rows = rows_by_path(tmp_path / "data")
    fake = rows.loc["fake/swap/deep/1.png"]
    assert fake["pair_sha256"] == rows.loc["real/camera/1.png", "raw_sha256"]
    assert fake["group_hint"] == "p1"
    assert fake["attributes"] == '{"background": "park"}'
    assert fake["mask_key"].endswith(".mask.png")
    assert len(fake["landmarks"]) == 136
    assert rows.loc["unlabelled/mixed/0.jpg", "landmarks"] is None


def test_a_bare_file_name_in_a_sidecar_is_enough(sources: Path, tmp_path: Path) -> None:
    pd.DataFrame({"real": ["1.png"], "fake": ["1.png"]}).to_csv(sources / "news/pairs.csv", index=False)
    take(sources, tmp_path / "data")
    rows = rows_by_path(tmp_path / "data")
    pair = rows.loc["fake/swap/deep/1.png", "pair_sha256"]
    assert pair == rows.loc["real/camera/1.png", "raw_sha256"]


def test_the_same_pictures_give_the_same_bytes(sources: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(sources, tmp_path / "elsewhere"))
    take(sources, tmp_path / "a", batch="one")
    take(moved, tmp_path / "b", batch="one")
    files = [sorted((tmp_path / name / "one").iterdir()) for name in "ab"]
    assert [path.name for path in files[0]] == [path.name for path in files[1]]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_taking_the_same_folder_again_does_nothing(sources: Path, tmp_path: Path) -> None:
    take(sources, tmp_path / "data")
    assert "nothing new, 16 known" in take(sources, tmp_path / "data")
    assert len(list_batches(tmp_path / "data")) == 1


def test_only_new_pictures_enter_the_next_batch(
    sources: Path, tmp_path: Path, put_picture: Callable[..., Path], draw_picture: Callable[..., Image.Image]
) -> None:
    take(sources, tmp_path / "data")
    put_picture(sources / "news/fake/new/9.png", draw_picture(999))
    pd.DataFrame({"real": ["real/camera/1.png"], "fake": ["fake/new/9.png"]}).to_csv(
        sources / "news/pairs.csv", index=False
    )
    take(sources, tmp_path / "data")
    first, second = list_batches(tmp_path / "data")
    assert (first.name, second.name) == ("2026-11-21-1", "2026-11-21-2")
    (row,) = read_index(second).to_dict("records")
    assert row["pair_sha256"] == read_index(first).set_index("path").loc["real/camera/1.png", "raw_sha256"]


def test_every_bad_file_is_listed_with_its_reason(sources: Path, tmp_path: Path) -> None:
    news = sources / "news"
    whole = (news / "real/camera/0.jpg").read_bytes()
    (news / "real/camera/note.txt").write_text("hello")
    (news / "real/camera/half.jpg").write_bytes(whole[: len(whole) // 2])
    (news / "real/camera/empty.jpg").touch()
    (news / "real/camera/big.bmp").write_bytes(b"x" * 200_001)
    Image.new("1", (2000, 2000)).save(news / "real/camera/bomb.png")
    (news / "reel").mkdir()
    shutil.copy(news / "real/camera/0.jpg", news / "reel/a.jpg")
    shutil.copy(news / "real/camera/0.jpg", news / "fake/a.jpg")
    os.mkfifo(news / "real/camera/pipe.jpg")
    (sources / "README.txt").write_text("about")
    take(sources, tmp_path / "data", caps=Caps(max_megapixels=1, max_megabytes=0.2))
    assert reasons(tmp_path / "data") == {
        "README.txt": "not inside a source folder (<source>/<real|fake|unlabelled>/<generator>/...)",
        "fake/a.jpg": "fake/ needs a folder for each generator",
        "real/camera/big.bmp": "larger than 0.2 MB",
        "real/camera/bomb.png": "more than 1 megapixels",
        "real/camera/empty.jpg": "empty file",
        "real/camera/half.jpg": reasons(tmp_path / "data")["real/camera/half.jpg"],
        "real/camera/note.txt": "not a JPEG, PNG, WebP, BMP or TIFF picture",
        "real/camera/pipe.jpg": "not a regular file",
        "reel/a.jpg": "not below one of real/, fake/, unlabelled/",
    }
    assert reasons(tmp_path / "data")["real/camera/half.jpg"].startswith("damaged picture: ")


def test_links_that_leave_the_source_are_not_followed(
    sources: Path, tmp_path: Path, put_picture: Callable[..., Path], draw_picture: Callable[..., Image.Image]
) -> None:
    outside = put_picture(tmp_path / "outside/secret.png", draw_picture(77))
    (sources / "news/real/camera/link.png").symlink_to(outside)
    (sources / "news/real/camera/folder").symlink_to(outside.parent)
    (sources / "news/real/camera/dangling.png").symlink_to(sources / "news/real/camera/nothing.png")
    take(sources, tmp_path / "data")
    assert reasons(tmp_path / "data") == {
        "real/camera/dangling.png": "symbolic link to nothing",
        "real/camera/folder": "symbolic link leaves the source's folder",
        "real/camera/link.png": "symbolic link leaves the source's folder",
    }


@pytest.mark.parametrize("path", ["../../outside/secret.png", "/etc/passwd", "real/../../outside/secret.png"])
def test_a_path_in_a_sidecar_is_never_followed(
    sources: Path, tmp_path: Path, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pd.DataFrame({"real": [path], "fake": ["fake/swap/deep/1.png"]}).to_csv(sources / "news/pairs.csv", index=False)
    take(sources, tmp_path / "data")
    assert set(rows_by_path(tmp_path / "data")["pair_sha256"]) == {""}
    assert "pairs.csv: 1 rows name no picture" in capsys.readouterr().err


def test_a_mask_behind_a_link_that_leaves_is_left_out(
    sources: Path, tmp_path: Path, put_picture: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    mask = sources / "news/masks/fake/swap/deep/1.png"
    mask.unlink()
    mask.symlink_to(put_picture(tmp_path / "outside.png", Image.new("L", (96, 80))))
    take(sources, tmp_path / "data")
    assert rows_by_path(tmp_path / "data").loc["fake/swap/deep/1.png", "mask_key"] == ""
    assert "leaves the source's folder" in capsys.readouterr().err


def test_a_mask_of_another_size_is_left_out(sources: Path, tmp_path: Path) -> None:
    Image.new("L", (10, 10)).save(sources / "news/masks/fake/swap/deep/1.png")
    take(sources, tmp_path / "data")
    assert rows_by_path(tmp_path / "data").loc["fake/swap/deep/1.png", "mask_key"] == ""


def test_a_mask_over_which_memory_ran_out_ends_the_run_without_a_batch(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starve(*_: object, **__: object) -> None:
        raise ResourceError("memory ran out")

    with monkeypatch.context() as patched:
        patched.setattr("unmask.data.examine.decode_mask", starve)
        with pytest.raises(ResourceError, match=r"masks/fake/swap/deep/\d\.png: memory ran out; no batch was written"):
            take(sources, tmp_path / "data")
    assert not list((tmp_path / "data").glob("[!.]*"))
    take(sources, tmp_path / "data")
    assert rows_by_path(tmp_path / "data").loc["fake/swap/deep/1.png", "mask_key"]


def test_the_same_bytes_as_real_and_as_fake_are_refused_both(sources: Path, tmp_path: Path) -> None:
    shutil.copy(sources / "news/real/camera/1.png", sources / "news/fake/swap/copy.png")
    take(sources, tmp_path / "data")
    assert reasons(tmp_path / "data") == dict.fromkeys(
        ("fake/swap/copy.png", "real/camera/1.png"), "same bytes as fake and real"
    )


def test_a_later_contradiction_is_refused(sources: Path, tmp_path: Path) -> None:
    take(sources, tmp_path / "data")
    (tmp_path / "more/news/fake/swap").mkdir(parents=True)
    shutil.copy(sources / "news/real/camera/1.png", tmp_path / "more/news/fake/swap/copy.png")
    with pytest.raises(DataError, match="same bytes are in batch 2026-11-21-1 as real"):
        take(tmp_path / "more", tmp_path / "data")


@pytest.mark.parametrize("name", ["pairs.csv", "attributes.csv", "landmarks.parquet"])
def test_a_damaged_sidecar_stops_before_anything_is_written(sources: Path, tmp_path: Path, name: str) -> None:
    (sources / "news" / name).write_text("\0nonsense")
    with pytest.raises(DataError, match=name):
        take(sources, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_failure_while_writing_leaves_no_half_batch(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "index.parquet")

    monkeypatch.setattr(unmask.data.ingest, "write_typed", full)
    with pytest.raises(OSError, match="No space") as caught:
        take(sources, tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []
    assert describe(caught.value).startswith("no space left on the device while writing index.parquet")


def test_what_a_killed_ingest_left_is_removed(sources: Path, tmp_path: Path) -> None:
    (tmp_path / "data/.old.12345678.tmp").mkdir(parents=True)
    take(sources, tmp_path / "data", batch="new")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["new"]


def test_a_dry_run_writes_nothing(sources: Path, tmp_path: Path) -> None:
    assert "would take 16 pictures" in take(sources, tmp_path / "data", dry_run=True)
    assert not (tmp_path / "data").exists()


def test_a_batch_is_never_written_twice(sources: Path, tmp_path: Path, make_source: Callable[..., Path]) -> None:
    take(sources, tmp_path / "data", batch="one")
    with pytest.raises(DataError, match="this batch exists"):
        take(make_source(tmp_path / "more", first_seed=500), tmp_path / "data", batch="one")


@pytest.mark.parametrize("name", ["../up", "", ".hidden", "a/b", "x" * 65])
def test_a_batch_has_a_plain_name(sources: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="a name has letters"):
        take(sources, tmp_path / "data", batch=name)


def test_a_single_source_needs_its_name(sources: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--source NAME"):
        take(sources / "news", tmp_path / "data")
    take(sources / "news", tmp_path / "data", source="mine")
    assert set(rows_by_path(tmp_path / "data")["source"]) == {"mine"}


def test_a_flat_named_folder_is_unlabelled(
    tmp_path: Path, put_picture: Callable[..., Path], draw_picture: Callable[..., Image.Image]
) -> None:
    put_picture(tmp_path / "flat/a.png", draw_picture(1))
    take(tmp_path / "flat", tmp_path / "data", source="street")
    assert rows_by_path(tmp_path / "data").loc["a.png", "label"] == "unlabelled"


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: None])
def test_what_is_no_source_folder_is_said(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "x")
    with pytest.raises(DataError, match=re.escape("<source>/<real|fake|unlabelled>")):
        take(tmp_path / "x", tmp_path / "data")


def test_shards_hold_one_source_and_end_at_their_size(
    tmp_path: Path, make_source: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unmask.data.ingest, "SHARD_BYTES", 60_000)
    root = make_source(make_source(tmp_path / "in", "a"), "b", first_seed=500)
    take(root, tmp_path / "data")
    rows = read_index(only_batch(tmp_path / "data"))
    shard = rows["key"].str.split("/").str[0]
    assert (rows.groupby(shard)["source"].nunique() == 1).all()
    assert rows.groupby(shard)["bytes"].sum().max() <= 60_000
    assert shard.nunique() > 2


def test_the_sample_beside_own_pictures_is_mentioned(
    tmp_path: Path, make_source: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    take(make_source(tmp_path / "drawn", "sample"), tmp_path / "data")
    assert "assemble.sources" not in capsys.readouterr().err
    take(make_source(tmp_path / "own", "desk", first_seed=500), tmp_path / "data")
    assert "assemble.sources: [desk]" in capsys.readouterr().err


def test_first_seen_is_the_sidecar_s_or_today(sources: Path, tmp_path: Path) -> None:
    pd.DataFrame({"file": ["1.png", "real/camera/1.png"], "first_seen": ["2024-01-02", "2024-01-02"]}).to_csv(
        sources / "news/attributes.csv", index=False
    )
    take(sources, tmp_path / "data")
    seen = rows_by_path(tmp_path / "data")["first_seen"]
    assert seen["real/camera/1.png"] == "2024-01-02"
    assert seen["real/camera/0.jpg"] == "2026-11-21"
