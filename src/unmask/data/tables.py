"""Parquet files, most of them with a declared schema that is checked when written and when read."""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from unmask.errors import DataError
from unmask.files import replacing


def write_typed(path: Path, frame: pd.DataFrame, schema: pa.Schema) -> None:
    """Write the schema's columns in its order; equal frames give equal bytes.

    Raises:
        DataError: a column is missing or doesn't fit its type.
    """
    missing = [name for name in schema.names if name not in frame.columns]
    if missing:
        raise DataError(f"{path}: lacks {', '.join(missing)}")
    # A column of lists in which all are missing would pass for numbers.
    lists = {field.name: object for field in schema if pa.types.is_list(field.type)}
    try:
        table = pa.Table.from_pandas(frame[schema.names].astype(lists), schema=schema, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{path}: {error}") from error
    with replacing(path) as temporary:
        pq.write_table(table.replace_schema_metadata(None), temporary, compression="zstd")


def read_typed(path: Path, schema: pa.Schema, columns: Iterable[str] | None = None, *, remedy: str) -> pd.DataFrame:
    """Read COLUMNS (all by default) of a file that follows the schema; text is never null, lists may be None.

    Raises:
        DataError: the file is missing, damaged, lacks a column or holds another type; the message names it.
    """
    wanted = list(schema.names if columns is None else columns)
    if not path.is_file():
        raise DataError(f"{path}: missing; {remedy}")
    try:
        found = pq.read_schema(path)
        table = pq.read_table(path, columns=[name for name in wanted if name in found.names])
        table = _cast(path, table, schema, wanted)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: can't be read as Parquet ({_first_line(error)}); {remedy}") from error
    return cast("pd.DataFrame", table.to_pandas())


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a Parquet file."""
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False)


def read_table(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a Parquet file.

    Raises:
        DataError: the file is missing, damaged, or lacks one of COLUMNS.
    """
    if not path.is_file():
        raise DataError(f"{path}: missing; run the stage that writes it (`dvc repro`)")
    try:
        return pd.read_parquet(path, columns=columns)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: can't be read as Parquet ({error})") from None


def empty_frame(schema: pa.Schema) -> pd.DataFrame:
    """A frame without rows that follows the schema."""
    return cast("pd.DataFrame", schema.empty_table().to_pandas())


def _cast(path: Path, table: pa.Table, schema: pa.Schema, wanted: list[str]) -> pa.Table:
    missing = [name for name in wanted if name not in table.column_names]
    if missing:
        raise DataError(f"{path}: lacks {', '.join(missing)}")
    fitted = table.select(wanted).cast(pa.schema([schema.field(name) for name in wanted]))
    for name in wanted:
        field = schema.field(name)
        if not field.nullable and fitted.column(name).null_count:
            raise DataError(f"{path}: {name} is null in {fitted.column(name).null_count} rows")
    return fitted


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
