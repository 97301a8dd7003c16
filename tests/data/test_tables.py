from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from unmask.data.tables import read_table, read_typed, write_table, write_typed
from unmask.errors import DataError

SCHEMA = pa.schema([pa.field("name", pa.string(), nullable=False), pa.field("points", pa.list_(pa.float32()))])


@pytest.mark.parametrize("rows", [[{"name": "a"}], [{"name": "a"}, {"name": "b"}], [{"name": "a", "points": None}], []])
def test_lists_may_all_be_missing(tmp_path: Path, rows: list[dict[str, object]]) -> None:
    write_typed(tmp_path / "t.parquet", pd.DataFrame(rows, columns=SCHEMA.names), SCHEMA)
    table = read_typed(tmp_path / "t.parquet", SCHEMA, remedy="")
    assert table["name"].tolist() == [row["name"] for row in rows]
    assert table["points"].tolist() == [None] * len(rows)


def test_lists_of_some_rows(tmp_path: Path) -> None:
    write_typed(tmp_path / "t.parquet", pd.DataFrame([{"name": "a"}, {"name": "b", "points": [1.0, 2.0]}]), SCHEMA)
    points = read_typed(tmp_path / "t.parquet", SCHEMA, remedy="")["points"]
    assert points[0] is None
    assert points[1].tolist() == [1.0, 2.0]


def test_an_absent_table_says_what_writes_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="dvc repro"):
        read_table(tmp_path / "absent.parquet")


def test_a_table_without_schema_goes_there_and_back(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1, 2], "b": [[1.5], []]})
    write_table(tmp_path / "a.parquet", table)
    assert read_table(tmp_path / "a.parquet", ["a"])["a"].tolist() == [1, 2]


@pytest.mark.parametrize("columns", [None, ["absent"]])
def test_a_damaged_or_foreign_table_is_a_data_error(tmp_path: Path, columns: list[str] | None) -> None:
    path = tmp_path / "a.parquet"
    if columns:
        write_table(path, pd.DataFrame({"a": [1]}))
    else:
        path.write_bytes(b"PAR1 not really")
    with pytest.raises(DataError, match=r"a\.parquet"):
        read_table(path, columns)
