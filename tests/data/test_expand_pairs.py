"""Registered pairs in the expansion: difference masks, the labels from them, and where all masks are."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.faces import draw_face, expand_settings, face_points, write_faces
from unmask.config import Expand
from unmask.data.decode import decode_mask
from unmask.data.expand import Expansion, expand
from unmask.data.forging.regions import region_mask
from unmask.data.forging.targets import is_consistent
from unmask.data.parallel import Workers
from unmask.data.quality import content_id
from unmask.data.shards import ShardReader
from unmask.labels.graph import FFPP

SIZE = 96
SETTINGS = expand_settings(self_blended_per_real=1, region_edits_per_real=0)
TRAIN = {"split": "train", "labelled": True}
FAKES = ("mouth", "unchanged", "elsewhere", "hidden", "faceless")


def draw(index: int, size: int) -> np.ndarray:
    """Crops 0 to 4 are reals, 5 to 9 the fakes of FAKES made from them in this order."""
    real = draw_face(index % 5, size)
    if index < 5:
        return real
    kind = FAKES[index - 5]
    if kind == "unchanged":
        return real + np.uint8(1)
    if kind == "elsewhere":
        return np.roll(draw_face(31, size), 9, axis=0)
    where = region_mask(face_points(size), "mouth", (size, size), 2.0)
    return np.where(where[..., None], draw_face(77, size), real).astype(np.uint8)


def origin(index: int) -> str:
    return content_id(Image.fromarray(draw(index, SIZE)))


PLANS = [{"label": "real", "split": "test", "labelled": True}] * 5 + [
    {"label": "fake", **TRAIN, "forged_from": origin(0)},
    {"label": "fake", **TRAIN, "forged_from": origin(1)},
    {"label": "fake", **TRAIN, "forged_from": origin(2)},
    {"label": "fake", "split": "train", "labelled": False, "forged_from": origin(3)},
    {"label": "fake", **TRAIN, "forged_from": origin(4), "landmarks": None, "face_score": 0.0},
]


def run(dataset: Path, out: Path, *, settings: Expand = SETTINGS, workers: int = 1) -> Expansion:
    return expand(dataset, out, settings=settings, graph=FFPP, seed=7, workers=Workers(workers))


def vector(folder: Path, index: int) -> str:
    labels = pd.read_parquet(folder / "labels.parquet").set_index("image_id")
    row = labels.loc[origin(index)]
    bits = [str(value) if sure else "?" for value, sure in zip(row.target, row.target_mask, strict=True)]
    return f"{bits[0]} {''.join(bits[1:4])} {''.join(bits[4:])}"


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs") / "dataset"
    write_faces(folder, PLANS, size=SIZE, draw=draw)
    return folder


@pytest.fixture(scope="session")
def result(dataset: Path) -> Expansion:
    return run(dataset, dataset.parent / "expanded")


@pytest.fixture(scope="session")
def expanded(dataset: Path, result: Expansion) -> Path:
    return dataset.parent / "expanded"


def test_a_pair_whose_mouth_differs_is_labelled_by_it(expanded):
    assert vector(expanded, 5) == "1 011 001100"


def test_a_pair_without_a_visible_change_leaves_its_regions_open(expanded):
    assert vector(expanded, 6) == "1 011 ??????"


def test_a_pair_that_shows_another_moment_is_labelled_by_the_table(expanded):
    assert vector(expanded, 7) == "1 011 111111"


def test_of_a_fake_without_a_face_the_root_alone_is_known(expanded):
    assert vector(expanded, 9) == "1 ??? ??????"


def test_a_hidden_fake_is_not_held_against_its_real(expanded):
    assert origin(8) not in set(pd.read_parquet(expanded / "labels.parquet")["image_id"])
    tables = pd.concat(
        [pd.read_parquet(path) for path in expanded.glob("*.parquet") if path.name != "manifest.parquet"]
    )
    assert origin(8) not in set(tables["image_id"])


def test_the_mask_is_stored_and_named(expanded):
    masks = pd.read_parquet(expanded / "masks.parquet").set_index("image_id")
    assert masks["kind"].to_dict() == {origin(5): "difference"}
    mask = np.asarray(decode_mask(ShardReader(expanded).read(masks.loc[origin(5), "mask_key"]))) == 255
    where = region_mask(face_points(SIZE), "mouth", (SIZE, SIZE), 2.0)
    assert (mask & where).sum() / (mask | where).sum() > 0.6


def test_every_pair_says_what_came_of_it(expanded, result):
    (path,) = expanded.glob("pairs-*.parquet")
    outcomes = pd.read_parquet(path).set_index("image_id")["outcome"].to_dict()
    assert outcomes == {
        origin(5): "difference",
        origin(6): "unchanged",
        origin(7): "real and fake differ around the face",
    }
    assert "1 of 3 pairs gave a mask, 1 show no change, 1 can't be compared" in result.summary()


def test_pairs_have_a_contact_sheet(expanded):
    assert (expanded / "sheets" / "faceswap-pairs.png").is_file()


def test_every_vector_fits_a_legal_state(expanded):
    labels = pd.read_parquet(expanded / "labels.parquet")
    assert all(is_consistent(row.target, row.target_mask, FFPP) for row in labels.itertuples())


def test_a_second_run_and_more_workers_change_nothing(dataset, expanded, tmp_path):
    stamps = {path: path.stat().st_mtime_ns for path in expanded.glob("masks-*.zip")}
    run(dataset, expanded)
    assert {path: path.stat().st_mtime_ns for path in expanded.glob("masks-*.zip")} == stamps
    run(dataset, tmp_path, workers=2)
    for path in expanded.glob("*.*"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_switched_off_the_table_decides_and_no_file_stays(dataset, expanded, tmp_path):
    run(dataset, tmp_path)
    run(dataset, tmp_path, settings=expand_settings(region_edits_per_real=0, pair_masks=False))
    assert vector(tmp_path, 5) == "1 011 111111"
    assert not list(tmp_path.glob("masks-*")) + list(tmp_path.glob("pairs-*"))
    assert not (tmp_path / "sheets" / "faceswap-pairs.png").exists()


def test_a_mask_that_came_with_the_fake_wins(dataset, tmp_path):
    given = {"mask_key": "crops-a.zip/" + origin(5) + ".png"}  # any picture will do as a mask
    write_faces(tmp_path / "dataset", [*PLANS[:5], {**PLANS[5], **given}], size=SIZE, draw=draw)
    assert run(tmp_path / "dataset", tmp_path / "out").pairs.total() == 0
    masks = pd.read_parquet(tmp_path / "out" / "masks.parquet")
    assert masks.to_dict("records") == [{"image_id": origin(5), "kind": "given", **given}]
