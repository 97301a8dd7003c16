from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from unmask.data.tables import read_typed, write_typed

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
