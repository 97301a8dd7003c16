"""How each fault gets in: among the pictures, into a batch, or into what assemble and expand made."""

import hashlib
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.faults.collection import NEWS, SIDES, jpeg, picture, save, write_source
from tests.faults.run import Build
from unmask.data.batches import INDEX_SCHEMA
from unmask.data.tables import read_typed, write_typed

TWIN, NEAR, CMYK, OUTSIDE = 9001, 9002, 9003, 9004


def write(path: str, content: bytes) -> Callable[[Path], None]:
    """Plant a file in the source `news`."""

    def plant(root: Path) -> None:
        (root / NEWS / path).parent.mkdir(parents=True, exist_ok=True)
        (root / NEWS / path).write_bytes(content)

    return plant


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def bomb() -> bytes:
    """A whole PNG of 30,000 x 30,000 black pixels, a tenth of a megabyte."""
    side, packer = 30_000, zlib.compressobj(9)
    row = bytes(1 + -(-side // 8))
    packed = b"".join([*(packer.compress(row) for _ in range(side)), packer.flush()])

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def animated_gif() -> bytes:
    stream, frames = io.BytesIO(), [picture(seed) for seed in (1, 2, 3)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=40)
    return stream.getvalue()


def cmyk() -> bytes:
    return jpeg(picture(CMYK).convert("CMYK"))


def climbing_sidecar(root: Path) -> None:
    save(root.parent / "outside.jpg", picture(OUTSIDE))
    with (root / NEWS / "pairs.csv").open("a") as stream:
        stream.write("../../outside.jpg,fake/faceswap/00.jpg\n")


def link_out(root: Path) -> None:
    save(root.parent / "secret.jpg", picture(OUTSIDE))
    (root / NEWS / "real/camera/link.jpg").symlink_to(root.parent / "secret.jpg")


def twins(root: Path) -> None:
    for place in ("real/camera", "fake/faceswap"):
        write(f"{place}/twin.jpg", jpeg(picture(TWIN)))(root)


def near() -> tuple[bytes, bytes]:
    """A picture, and the same again a little smaller and compressed anew."""
    return jpeg(picture(NEAR)), jpeg(picture(NEAR).resize((120, 120), Image.Resampling.BICUBIC))


def near_duplicates(root: Path) -> None:
    for name, content in zip("ab", near(), strict=True):
        write(f"real/camera/near-{name}.jpg", content)(root)


def torn_apart(build: Build) -> list[str]:
    """Give the second of two near-duplicates another group and another split, as if grouping had failed."""
    rows = build.rows
    first, second = (rows.index[rows["raw_sha256"] == sha(content)][0] for content in near())
    assert rows.at[first, "group"] == rows.at[second, "group"], "assemble did not group near-duplicates"
    rows.loc[second, ["group", "split"]] = ["elsewhere", "val" if rows.at[first, "split"] == "test" else "test"]
    return [rows.at[first, "image_id"], rows.at[second, "image_id"]]


def shared_group(build: Build) -> list[str]:
    rows = build.rows
    pair = [build.fakes(split)[0] for split in ("train", "test")]
    rows.loc[pair, "group"] = "one person"
    return list(rows.loc[pair, "image_id"])


def png_fakes(root: Path) -> None:
    for number in range(16):
        side = SIDES[number % len(SIDES)]
        save(root / f"formats/real/camera/{number:02}.jpg", picture(2000 + number, side))
        save(root / f"formats/fake/faceswap/{number:02}.png", picture(2500 + number, side))


def one_size(root: Path) -> None:
    write_source(root, "sizes", 3000)
    for number in range(16):
        save(root / f"sizes/fake/faceswap/{number:02}.jpg", picture(3500 + number, 128))


def strange_generator(root: Path) -> None:
    for number in range(3):
        save(root / f"{NEWS}/fake/novelty2027/{number}.jpg", picture(4000 + number))


def reals_of_a_generator(root: Path) -> None:
    save(root / f"{NEWS}/real/stylegan2/0.jpg", picture(4100))


def wrong_mask(root: Path) -> None:
    save(root / NEWS / "fake/faceswap/masked.jpg", picture(4200))
    save(root / NEWS / "masks/fake/faceswap/masked.png", Image.new("L", (10, 12), 255))


def wrong_mask_in_build(build: Build) -> list[str]:
    stream, row = io.BytesIO(), build.fakes("train")[1]
    Image.new("L", (10, 12), 255).save(stream, "PNG")
    with zipfile.ZipFile(build.root / "dataset/masks.zip", "w") as shard:
        shard.writestr("m.png", stream.getvalue())
    build.rows.loc[row, "mask_key"] = "masks.zip/m.png"
    return [build.rows.at[row, "image_id"]]


def dropped_vector(build: Build) -> list[str]:
    image_id = build.rows.at[build.fakes("train")[2], "image_id"]
    build.labels = build.labels[build.labels["image_id"] != image_id].reset_index(drop=True)
    return [image_id]


def vector(split: str, number: int, label: str, target: list[int]) -> Callable[[Build], list[str]]:
    """Give a row this label vector."""

    def harm(build: Build) -> list[str]:
        rows = build.fakes(split) if label == "fake" else build.reals(split)
        image_id = build.rows.at[rows[number], "image_id"]
        place = build.labels.index[build.labels["image_id"] == image_id][0]
        build.labels.at[place, "target"] = target
        build.labels.at[place, "target_mask"] = [1] * len(target)
        return [image_id]

    return harm


def shown_label(build: Build) -> list[str]:
    """Hide a label that labels.parquet goes on showing."""
    row = build.fakes("train")[4]
    build.rows.loc[row, "labelled"] = False
    return [build.rows.at[row, "image_id"]]


def other_size(build: Build) -> list[str]:
    row = build.rows.sort_values("image_id").index[build.rows.sort_values("image_id")["source"] == NEWS][0]
    build.rows.loc[row, "width"] += 1
    return [build.rows.at[row, "image_id"]]


def cut_crops(build: Build) -> list[str]:
    rows = build.rows[build.rows["source"] == "cut"]
    halve(build.root / "dataset" / rows["key"].iloc[0].rpartition("/")[0])
    return list(rows["image_id"])


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def index_of_nothing(batch: Path) -> None:
    """Let a row of the index name a member that its shard does not hold."""
    index = read_typed(batch / "index.parquet", INDEX_SCHEMA, remedy="")
    index.loc[3, "key"] = index.loc[3, "key"].rpartition("/")[0] + "/absent.jpg"
    write_typed(batch / "index.parquet", index, INDEX_SCHEMA)


def empty_clip() -> bytes:
    """An AVI with a video track and not one frame."""
    import av

    stream = io.BytesIO()
    with av.open(stream, "w", format="avi") as clip:
        track = clip.add_stream("mpeg4", rate=25)
        track.width = track.height = 64
        clip.start_encoding()
    return stream.getvalue()


def headless_clip() -> bytes:
    """What calls itself an MP4 in its first bytes and is noise after them."""
    noise = np.random.default_rng(0).integers(0, 256, 4000, dtype=np.uint8).tobytes()
    return struct.pack(">I", 24) + b"ftypisom" + bytes(4) + b"isomavc1" + noise
