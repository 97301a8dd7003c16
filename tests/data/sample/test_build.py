from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from unmask.data.sample.build import draw_sample
from unmask.data.sample.forgers import SEEN, UNSEEN
from unmask.data.sample.plan import SampleCounts
from unmask.errors import DataError

PICTURES = {".jpg", ".png", ".webp"}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_two_workers_give_the_bytes_of_one(drawn_alone: Path, drawn_by_two: Path) -> None:
    assert contents(drawn_alone) == contents(drawn_by_two)


def test_every_picture_has_attributes_and_landmarks_inside_it(drawn_alone: Path) -> None:
    attributes = pd.read_csv(drawn_alone / "attributes.csv").set_index("file")
    points = pd.read_parquet(drawn_alone / "landmarks.parquet").set_index("file")["landmarks"]
    files = {
        str(p.relative_to(drawn_alone))
        for p in drawn_alone.rglob("*")
        if p.suffix in PICTURES and "masks" not in p.parts
    }
    assert files == set(attributes.index) == set(points.index)
    for file in files:
        with Image.open(drawn_alone / file) as image:
            size = image.size[0]
        places = np.asarray(points[file]).reshape(68, 2)
        assert (places > -0.15 * size).all()
        assert (places < 1.15 * size).all()


def test_batch_holds_what_was_asked_for(drawn_alone: Path) -> None:
    counts = {str(p.relative_to(drawn_alone)): len(list(p.iterdir())) for p in drawn_alone.glob("*/*") if p.is_dir()}
    fakes = {f"fake/{name}": 1 for name in SEEN + UNSEEN}
    assert counts == {"real/camera": 2, "unlabelled/camera_or_mixed": 2, "masks/fake": len(fakes)} | fakes


def test_pairs_name_files_of_one_person(drawn_alone: Path) -> None:
    pairs = pd.read_csv(drawn_alone / "pairs.csv")
    group = pd.read_csv(drawn_alone / "attributes.csv").set_index("file")["group"]
    assert len(pairs) > 0
    assert (group[pairs["real"]].to_numpy() == group[pairs["fake"]].to_numpy()).all()


def test_nothing_beside_an_unlabelled_picture_tells_its_label(drawn_alone: Path) -> None:
    hidden = [p.stem for p in (drawn_alone / "unlabelled").rglob("*") if p.is_file()]
    told = {p.stem for folder in ("masks", "fake", "real") for p in (drawn_alone / folder).rglob("*")}
    assert not told & set(hidden)
    assert not {"forger", "label", "generator"} & set(pd.read_csv(drawn_alone / "attributes.csv").columns)


def test_masks_fit_their_pictures_and_are_not_empty(drawn_alone: Path) -> None:
    masks = list((drawn_alone / "masks").rglob("*.png"))
    assert len(masks) == len(SEEN + UNSEEN)
    for path in masks:
        picture = next((drawn_alone / path.relative_to(drawn_alone / "masks").parent).glob(f"{path.stem}.*"))
        with Image.open(path) as mask, Image.open(picture) as image:
            assert mask.size == image.size
            assert 0.001 < np.asarray(mask, float).mean() < 0.8


def test_an_existing_folder_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "sample").mkdir()
    with pytest.raises(DataError, match="exists already"):
        draw_sample(tmp_path, seed=7, batch=1, counts=SampleCounts(1, 1, 1, 1), workers=1)
