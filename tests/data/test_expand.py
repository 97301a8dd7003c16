from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.faces import expand_settings, plans, write_faces
from unmask.config import Expand
from unmask.data.decode import decode_image, decode_mask
from unmask.data.expand import expand
from unmask.data.forging.targets import is_consistent
from unmask.data.manifest import read_manifest
from unmask.data.parallel import Workers
from unmask.data.shards import ShardReader
from unmask.labels.graph import FFPP

SETTINGS = expand_settings(self_blended_per_real=2, region_edits_per_real=1, min_change=0.01)
ROWS = [
    *plans(10, 1, "train"),
    *plans(2, 1, "train", labelled=False),
    *plans(1, 1, "val"),
    *plans(1, 1, "test"),
    *[{"label": "unlabelled", "split": "train", "labelled": False}] * 2,
    {"label": "real", "split": "train", "labelled": True, "landmarks": None},
]


def run(dataset: Path, out: Path, *, settings: Expand = SETTINGS, workers: int = 1, seed: int = 7):
    return expand(dataset, out, settings=settings, graph=FFPP, seed=seed, workers=Workers(workers))


def stamps(out: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in out.glob("crops-*.zip")}


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faces") / "dataset"
    write_faces(folder, ROWS)
    return folder


@pytest.fixture(scope="session")
def expanded(dataset: Path) -> Path:
    run(dataset, dataset.parent / "expanded")
    return dataset.parent / "expanded"


@pytest.fixture(scope="session")
def made(expanded: Path) -> pd.DataFrame:
    return read_manifest(expanded / "manifest.parquet")


@pytest.fixture(scope="session")
def rows(dataset: Path) -> pd.DataFrame:
    return read_manifest(dataset / "manifest.parquet")


def test_only_labelled_training_reals_with_landmarks_are_forged(rows, made):
    chosen = rows[(rows["label"] == "real") & (rows["split"] == "train") & rows["labelled"] & rows["landmarks"].notna()]
    assert len(chosen) == 10
    assert set(made["forged_from"]) == set(chosen["image_id"])


def test_a_forgery_is_a_labelled_training_fake_of_its_reals_group(rows, made):
    origin = rows.set_index("image_id").loc[made["forged_from"]]
    assert (made["split"] == "train").all()
    assert (made["label"] == "fake").all()
    assert made["labelled"].all()
    for column in ("group", "batch", "source", "domain", "attributes", "raw_sha256"):
        assert made[column].tolist() == origin[column].tolist()


def test_the_stored_mask_is_exactly_what_changed(dataset, expanded, rows, made):
    reals, fakes, key = ShardReader(dataset), ShardReader(expanded), rows.set_index("image_id")["key"]
    for row in made.itertuples():
        real = np.asarray(decode_image(reals.read(key[row.forged_from])))
        fake = np.asarray(decode_image(fakes.read(row.key)))
        mask = np.asarray(decode_mask(fakes.read(row.mask_key)))
        assert np.array_equal(mask == 255, (real != fake).any(axis=-1))


def test_every_visible_row_has_a_vector_and_no_hidden_one(rows, made, expanded):
    labels = pd.read_parquet(expanded / "labels.parquet")
    assert sorted(labels["image_id"]) == sorted([*rows.loc[rows["labelled"], "image_id"], *made["image_id"]])


def test_every_vector_fits_a_legal_state(expanded):
    labels = pd.read_parquet(expanded / "labels.parquet")
    assert all(is_consistent(row.target, row.target_mask, FFPP) for row in labels.itertuples())


def test_reals_are_nothing_altered_and_all_known(rows, expanded):
    labels = pd.read_parquet(expanded / "labels.parquet").set_index("image_id")
    reals = labels.loc[rows.loc[(rows["label"] == "real") & rows["labelled"], "image_id"]]
    assert not np.stack(reals["target"]).any()
    assert np.stack(reals["target_mask"]).all()


def test_every_forgerys_mask_is_listed_as_exact(expanded, made):
    masks = pd.read_parquet(expanded / "masks.parquet")
    assert (masks["kind"] == "exact").all()
    listed = masks.set_index("image_id")["mask_key"]
    assert listed[made["image_id"]].tolist() == made["mask_key"].tolist()


@pytest.mark.parametrize(
    "changed", [{"poisson_share": 1.0}, {"region_methods": {"warp": 1.0}}, {"colour_space": "ycbcr"}], ids=str
)
def test_other_ways_of_forging_make_other_forgeries(dataset, expanded, tmp_path, changed):
    base = {"self_blended_per_real": 0, "region_edits_per_real": 2}
    first, other = (tmp_path / name for name in ("first", "other"))
    run(dataset, first, settings=expand_settings(**base))
    run(dataset, other, settings=expand_settings(**base, **changed))
    before, after = (set(read_manifest(out / "manifest.parquet")["image_id"]) for out in (first, other))
    assert after
    assert after - before
    run(dataset, other, settings=expand_settings(**base))
    assert (other / "manifest.parquet").read_bytes() == (first / "manifest.parquet").read_bytes()


def test_each_forger_has_a_contact_sheet(expanded, made):
    assert {path.stem for path in (expanded / "sheets").glob("*.png")} == set(made["generator"])


def test_a_second_run_works_on_nothing(dataset, expanded):
    before = stamps(expanded)
    assert run(dataset, expanded).new_shards == 0
    assert stamps(expanded) == before


def test_the_number_of_workers_changes_nothing(dataset, expanded, tmp_path):
    run(dataset, tmp_path / "out", workers=2)
    for path in expanded.glob("*.*"):
        assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()


def test_other_settings_make_other_shards_and_drop_the_old(dataset, tmp_path):
    run(dataset, tmp_path)
    before = set(stamps(tmp_path))
    assert run(dataset, tmp_path, seed=8).new_shards == 1
    assert len(stamps(tmp_path)) == 1
    assert not before & set(stamps(tmp_path))


def test_a_forgery_too_faint_is_skipped_and_counted(dataset, tmp_path):
    strict = expand_settings(self_blended_per_real=1, region_edits_per_real=0, min_change=0.9)
    result = run(dataset, tmp_path, settings=strict)
    assert result.forgeries == 0
    assert result.skipped == {"the change is too faint to see": 10}
    assert "0 forgeries of 0 reals, 10 skipped" in result.summary()
    assert len(read_manifest(tmp_path / "manifest.parquet")) == 0


def test_a_data_set_without_landmarks_is_no_error(tmp_path):
    write_faces(tmp_path / "dataset", [{**plan, "landmarks": None} for plan in plans(2, 1, "train")])
    result = run(tmp_path / "dataset", tmp_path / "out")
    assert (result.forgeries, result.labelled) == (0, 3)
