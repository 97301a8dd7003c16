"""Every fault that was ever worth planting, and by which words a user learns of it."""

import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.faults.collection import NEWS, jpeg, picture, write_source
from tests.faults.plants import (
    CMYK,
    animated_gif,
    bomb,
    climbing_sidecar,
    cmyk,
    cut_crops,
    dropped_vector,
    empty_clip,
    halve,
    headless_clip,
    index_of_nothing,
    link_out,
    near_duplicates,
    one_size,
    other_size,
    png_fakes,
    reals_of_a_generator,
    sha,
    shared_group,
    shown_label,
    strange_generator,
    torn_apart,
    twins,
    vector,
    write,
    wrong_mask,
    wrong_mask_in_build,
)
from tests.faults.run import Build, Seen
from unmask.data.shards import ShardReader

Find = Callable[[Seen, Sequence[str]], str]


@dataclass(frozen=True)
class Fault:
    """A fault, planted among the pictures, in a batch of data/ or in what assemble and expand made.

    `listed` is a row of a list (path, label and generator) that is taken in beside the collection. `find` gives the
    words that name it and the rows it harmed, "" where nothing does; `build` returns those rows.
    """

    name: str
    find: Find
    pictures: Callable[[Path], None] | None = None
    batch: Callable[[Path], None] | None = None
    build: Callable[[Build], list[str]] | None = None
    listed: tuple[str, str, str] | None = None


def quarantined(path: str, reason: str) -> Find:
    """A quarantine row of PATH with REASON in its reason."""

    def find(seen: Seen, harmed: Sequence[str]) -> str:
        rows = seen.quarantine[seen.quarantine["path"] == path]
        reasons = [each for each in rows["reason"] if reason in each]
        return f"quarantine: {path}: {reasons[0]}" if reasons else ""

    return find


def said(*words: str) -> Find:
    """A printed line with all the words."""
    return lambda seen, harmed: next((line for line in seen.lines if all(word in line for word in words)), "")


def gated(expectation: str, words: str = "") -> Find:
    """A failed expectation that says WORDS, or without words one that names every harmed row; on the page as well."""

    def find(seen: Seen, harmed: Sequence[str]) -> str:
        outcome = seen.failed.get(expectation)
        if outcome is None:
            return ""
        if words:
            told = [sentence for sentence in outcome["named"] if words in sentence and words in seen.page]
        else:
            named = set(harmed) <= set(outcome["culprits"]) and all(image_id in seen.page for image_id in harmed)
            told = [f"rows {' '.join(sorted(harmed))}"] if harmed and named else []
        kind = "hard" if outcome["hard"] else "soft"
        return f"gate, {kind}: {outcome['title']}: {told[0]}" if told else ""

    return find


def converted(seen: Seen, harmed: Sequence[str]) -> str:
    """The CMYK picture's row, if its crop shows the colours that it had before."""
    rows = seen.rows[seen.rows["raw_sha256"] == sha(cmyk())]
    if rows.empty:
        return ""
    data = ShardReader(seen.root / "dataset").read(rows["key"].iloc[0])
    crop = np.asarray(Image.open(io.BytesIO(data)), dtype=float)
    wrong = np.abs(crop - np.asarray(picture(CMYK), dtype=float)).mean()
    if crop.ndim != 3 or wrong > 6 or ("mode" in rows and rows["mode"].iloc[0] != "CMYK"):
        return ""
    return f"taken in as {rows['image_id'].iloc[0]}, crop in RGB, {wrong:.1f} of 255 from the original"


IMAGE = "real/camera"
HALF = jpeg(picture(5000))
FAULTS = (
    Fault(
        "truncated JPEG",
        quarantined(f"{IMAGE}/half.jpg", "damaged picture"),
        write(f"{IMAGE}/half.jpg", HALF[: len(HALF) // 2]),
    ),
    Fault("zero bytes", quarantined(f"{IMAGE}/empty.jpg", "empty file"), write(f"{IMAGE}/empty.jpg", b"")),
    Fault(
        "HTML named .jpg",
        quarantined(f"{IMAGE}/page.jpg", "not a"),
        write(f"{IMAGE}/page.jpg", b"<!doctype html><title>404</title>"),
    ),
    Fault(
        "30,000 x 30,000 PNG bomb",
        quarantined(f"{IMAGE}/bomb.png", "megapixels"),
        write(f"{IMAGE}/bomb.png", bomb()),
    ),
    Fault("CMYK JPEG (taken in, converted)", converted, write(f"{IMAGE}/print.jpg", cmyk())),
    Fault("animated GIF", quarantined(f"{IMAGE}/dance.gif", "but a GIF"), write(f"{IMAGE}/dance.gif", animated_gif())),
    Fault("path with .. in a sidecar", said("pairs.csv", "../../outside.jpg"), climbing_sidecar),
    Fault("symbolic link out of the root", quarantined(f"{IMAGE}/link.jpg", "leaves"), link_out),
    Fault(
        "named pipe",
        quarantined(f"{IMAGE}/pipe.jpg", "not a regular file"),
        lambda root: os.mkfifo(root / NEWS / IMAGE / "pipe.jpg"),
    ),
    Fault("duplicate with opposite label", quarantined("fake/faceswap/twin.jpg", "same bytes as fake and real"), twins),
    Fault("near-duplicate in another split", gated("near_duplicates_across_splits"), near_duplicates, build=torn_apart),
    Fault("group in two splits", gated("rows_of_groups_in_two_splits"), build=shared_group),
    Fault(
        "PNG fakes against JPEG reals", gated("association_within_sources", "formats: label follows format"), png_fakes
    ),
    Fault(
        "fakes all one size",
        gated("uniform_classes", "sizes: all 16 fakes are 128 x 128 px, the reals are not"),
        one_size,
    ),
    Fault(
        "label missing: a folder that is no label",
        quarantined("suspicious/a.jpg", "not below one of real/, fake/, unlabelled/"),
        write("suspicious/a.jpg", jpeg(picture(5001))),
    ),
    Fault("label missing: no vector for a row", gated("visible_rows_without_labels"), build=dropped_vector),
    Fault("unknown generator", gated("fakes_of_unknown_generators", "novelty2027 (3 rows)"), strange_generator),
    Fault(
        "illegal label vector",
        gated("illegal_targets"),
        build=vector("train", 3, "fake", [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ),
    Fault("mask of the wrong size, as it comes", said("masked.png: is 10 x 12, its picture 128 x 128"), wrong_mask),
    Fault("mask of the wrong size, in the build", gated("masks_of_other_size"), build=wrong_mask_in_build),
    Fault(
        "clip of zero frames",
        quarantined(f"{IMAGE}/empty.avi", "no frame can be decoded"),
        write(f"{IMAGE}/empty.avi", empty_clip()),
    ),
    Fault(
        "clip with a wrong header",
        quarantined(f"{IMAGE}/noise.mp4", "damaged clip"),
        write(f"{IMAGE}/noise.mp4", headless_clip()),
    ),
    Fault(
        "shard of pictures cut short",
        said("assemble: error:", "shard-0000.zip: damaged shard"),
        batch=lambda batch: halve(batch / "shard-0000.zip"),
    ),
    Fault(
        "shard of crops cut short",
        gated("missing_crops", "damaged shard"),
        lambda root: write_source(root, "cut", 6000, count=2),
        build=cut_crops,
    ),
    Fault("index that names a missing file", said("assemble: error:", "holds no absent.jpg"), batch=index_of_nothing),
    # beyond the list of the specification
    Fault(
        "path with .. in a list",
        quarantined("../outside.jpg", "path leaves the list's folder"),
        listed=("../outside.jpg", "real", ""),
    ),
    Fault(
        "list that names a missing file",
        quarantined("nowhere.jpg", "no such file below the list's folder"),
        listed=("nowhere.jpg", "fake", "faceswap"),
    ),
    Fault("label missing: a row of a list", quarantined("1.jpg", "no label"), listed=("1.jpg", "", "")),
    Fault("label of a list that is none", quarantined("2.jpg", "label 'maybe' is not"), listed=("2.jpg", "maybe", "")),
    Fault("hidden label that is shown", gated("hidden_labels_shown"), build=shown_label),
    Fault(
        "attribute of a real",
        gated("reals_with_attributes"),
        build=vector("train", 0, "real", [1, 0, 1, 0, 1, 1, 1, 1, 1, 1]),
    ),
    Fault("crop of another size than its row", gated("unreadable_crops"), build=other_size),
    Fault(
        "forgeries among the reals",
        gated("forged_reals"),
        reals_of_a_generator,
        build=lambda build: build.of("stylegan2"),
    ),
)
