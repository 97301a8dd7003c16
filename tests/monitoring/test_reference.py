import pandas as pd
import pytest

from tests.monitoring.conftest import OTHER, VERSION
from unmask.data.tables import read_table, write_table
from unmask.errors import DataError
from unmask.monitoring.reference import (
    FOLDER,
    Reference,
    find_reference,
    keep_reference,
    read_reference,
    write_reference,
)


def test_what_is_written_is_read(make_rows, tmp_path):
    rows = make_rows(60, to_a_group=3)
    write_reference(tmp_path / "reference.parquet", Reference(rows, VERSION, "data"))
    found = read_reference(tmp_path / "reference.parquet")
    assert (found.model_version, found.data_hash) == (VERSION, "data")
    assert (found.rows.embeddings == rows.embeddings).all()
    assert found.rows.columns["sharpness"].to_numpy() == pytest.approx(rows.columns["sharpness"].to_numpy())
    assert pd.crosstab(found.rows.groups, rows.groups).gt(0).sum().eq(1).all()


def test_it_names_neither_pictures_nor_people(make_rows, tmp_path):
    rows = make_rows(60, to_a_group=3, prefix="person-")
    write_reference(tmp_path / "reference.parquet", Reference(rows, VERSION, "data"))
    table = read_table(tmp_path / "reference.parquet")
    assert "image_id" not in table
    assert not table["group"].str.contains("person").any()


def test_the_pipelines_is_kept_for_when_a_challenger_replaces_it(keep, tmp_path):
    built, state = tmp_path / "built.parquet", tmp_path / "var"
    keep(built)
    assert find_reference(VERSION, state, built=built).model_version == VERSION
    keep(built, version=OTHER)
    assert find_reference(VERSION, state, built=built).model_version == VERSION
    assert (state / FOLDER / f"{VERSION}.parquet").is_file()


def test_one_of_another_model_is_refused(keep, tmp_path):
    built = tmp_path / "built.parquet"
    keep(built, version=OTHER)
    with pytest.raises(DataError, match=f"{VERSION}.parquet: missing, and .*built.parquet is of another model"):
        find_reference(VERSION, tmp_path / "var", built=built)


def test_without_any_the_remedy_is_named(tmp_path):
    with pytest.raises(DataError, match="dvc repro drift"):
        find_reference(VERSION, tmp_path, built=tmp_path / "none.parquet")


def test_one_kept_under_another_models_name_is_refused(keep, tmp_path):
    keep(tmp_path / FOLDER / f"{VERSION}.parquet", version=OTHER)
    with pytest.raises(DataError, match=f"is of model {OTHER}"):
        find_reference(VERSION, tmp_path)


def test_a_version_can_not_lead_out_of_the_folder(keep, tmp_path):
    keep(tmp_path / "built.parquet", version="../../x")
    with pytest.raises(DataError, match="no model version"):
        keep_reference(tmp_path / "var", built=tmp_path / "built.parquet")


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"a": [1]}),
        pd.DataFrame({"model_version": [], "data_hash": [], "group": [], "embedding": []}),
        pd.DataFrame({"model_version": ["a", "b"], "data_hash": "d", "group": "g", "embedding": [[1.0], [2.0]]}),
        pd.DataFrame({"model_version": "a", "data_hash": "d", "group": "g", "embedding": [[1.0], [2.0, 3.0]]}),
        pd.DataFrame({"model_version": "a", "data_hash": "d", "group": "g", "embedding": [[1.0]], "x": ["word"]}),
    ],
    ids=["another table", "empty", "two models", "ragged", "words"],
)
def test_a_file_that_is_no_reference_is_named(table, tmp_path):
    write_table(tmp_path / "reference.parquet", table)
    with pytest.raises(DataError, match=r"reference\.parquet: "):
        read_reference(tmp_path / "reference.parquet")
