from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from unmask.data.manifest import MANIFEST_COLUMNS, MANIFEST_SCHEMA, read_manifest, write_manifest
from unmask.data.tables import empty_frame
from unmask.errors import DataError


def rows(count: int = 3) -> pd.DataFrame:
    text = dict.fromkeys((field.name for field in MANIFEST_SCHEMA if str(field.type) == "string"), "")
    numbers = {name: 1 for name in MANIFEST_COLUMNS if name not in text} | {"crop_box": [0.0, 0.0, 1.0, 1.0]}
    facts = [
        text | numbers | {"image_id": f"{n:016x}", "label": "real", "split": "train", "labelled": True}
        for n in range(count)
    ]
    table = pd.DataFrame(facts)
    table["landmarks"] = [None, *(np.zeros(136, dtype=np.float32) for _ in range(count - 1))]
    return table


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.parquet", rows())
    read = read_manifest(tmp_path / "manifest.parquet")
    assert tuple(read.columns) == MANIFEST_COLUMNS
    assert read["image_id"].tolist() == rows()["image_id"].tolist()
    assert read["landmarks"].iloc[0] is None
    assert read["landmarks"].iloc[1].shape == (136,)


def test_some_columns_can_be_read(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.parquet", rows())
    assert list(read_manifest(tmp_path / "manifest.parquet", ["split", "key"]).columns) == ["split", "key"]


def test_equal_rows_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_manifest(tmp_path / name, rows())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_manifest_may_be_empty(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.parquet", empty_frame(MANIFEST_SCHEMA))
    assert len(read_manifest(tmp_path / "manifest.parquet")) == 0


def test_the_original_s_size_is_the_crop_s_where_it_is_not_given(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m", rows().assign(width=50).drop(columns=["picture_width", "picture_height"]))
    assert read_manifest(tmp_path / "m")["picture_width"].tolist() == [50, 50, 50]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "genuine"}, "row 0: label is 'genuine'"),
        ({"split": "holdout"}, "row 0: split is 'holdout'"),
        ({"image_id": "same"}, "image_id same stands twice"),
        ({"label": "unlabelled"}, "its label counts as visible"),
        ({"landmarks": [[0.0] * 4] * 3}, "landmarks are 4 numbers"),
        ({"frame": "first"}, "frame"),
        ({"generator": None}, "generator"),
    ],
)
def test_a_row_that_breaks_the_schema_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        write_manifest(tmp_path / "manifest.parquet", rows().assign(**change))
    assert list(tmp_path.iterdir()) == []


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    rows().drop(columns="split").to_parquet(tmp_path / "manifest.parquet")
    with pytest.raises(DataError, match="lacks split"):
        read_manifest(tmp_path / "manifest.parquet")


def test_a_wrong_type_is_refused_on_read(tmp_path: Path) -> None:
    rows().assign(width="wide").to_parquet(tmp_path / "manifest.parquet")
    with pytest.raises(DataError, match=r"manifest\.parquet"):
        read_manifest(tmp_path / "manifest.parquet")


def test_a_missing_manifest_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="dvc repro"):
        read_manifest(tmp_path / "manifest.parquet")


def test_a_damaged_manifest_is_named(tmp_path: Path) -> None:
    (tmp_path / "manifest.parquet").write_bytes(b"PAR1 nonsense")
    with pytest.raises(DataError, match=r"manifest\.parquet: can't be read as Parquet"):
        read_manifest(tmp_path / "manifest.parquet")
