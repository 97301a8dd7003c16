"""The reference: what a model says of held-out rows of generators that it knows, kept beside the traffic it gets."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from unmask.data.tables import read_table, write_table
from unmask.errors import DataError
from unmask.files import replacing
from unmask.monitoring.rows import Rows

BUILT = Path("build/drift/reference.parquet")
FOLDER = "references"  # of the state folder
REMEDY = "run `dvc repro drift`"
_OWN = ("model_version", "data_hash", "group", "embedding")
_VERSION = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Reference:
    """Rows that a model version scored, and the data it learned from."""

    rows: Rows
    model_version: str
    data_hash: str


def write_reference(path: Path, reference: Reference) -> None:
    """Write a row for each prediction: numbers alone, neither pictures nor their names.

    Groups are numbered anew, so that a row does not lead back to the data.
    """
    rows = reference.rows
    groups = np.unique(rows.groups, return_inverse=True)[1]
    own = pd.DataFrame(
        {
            "model_version": reference.model_version,
            "data_hash": reference.data_hash,
            "group": [str(group) for group in groups],
            "embedding": list(rows.embeddings.astype(np.float32)),
        }
    )
    write_table(path, pd.concat([own, rows.columns.astype(np.float32)], axis=1))


def read_reference(path: Path) -> Reference:
    """Read what `write_reference` wrote.

    Raises:
        DataError: the file is missing, damaged or empty, or of several models.
    """
    table = read_table(path)
    lacking = [name for name in _OWN if name not in table]
    if lacking or not len(table):
        raise DataError(f"{path}: not a reference ({', '.join(lacking) or 'no rows'}); {REMEDY}")
    if table[["model_version", "data_hash"]].drop_duplicates().shape[0] > 1:
        raise DataError(f"{path}: rows of several models; {REMEDY}")
    try:
        embeddings = np.stack(table["embedding"].tolist()).astype(np.float64)
        columns = table.drop(columns=list(_OWN)).astype(np.float64)
    except (ValueError, TypeError):
        raise DataError(f"{path}: embeddings or columns are no numbers; {REMEDY}") from None
    ids = np.array([str(number) for number in range(len(table))])
    rows = Rows(ids, columns, embeddings, table["group"].to_numpy(dtype=str))
    return Reference(rows, str(table["model_version"].iloc[0]), str(table["data_hash"].iloc[0]))


def find_reference(version: str, state: Path, *, built: Path = BUILT) -> Reference:
    """The reference of a model version: kept in STATE, else BUILT by the pipeline and then kept.

    Raises:
        DataError: neither is of that version, or a file is damaged.
    """
    kept = state / FOLDER / f"{version}.parquet"
    if not kept.is_file() and built.is_file() and keep_reference(state, built=built) != kept:
        raise DataError(
            f"{kept}: missing, and {built} is of another model; keep the reference of {version} there, "
            "or promote the model that the pipeline has packaged"
        )
    if not kept.is_file():
        raise DataError(f"{kept}: missing, and so is {built}; {REMEDY}")
    found = read_reference(kept)
    if found.model_version != version:
        raise DataError(f"{kept}: is of model {found.model_version}; remove it and {REMEDY}")
    return found


def keep_reference(state: Path, *, built: Path = BUILT) -> Path:
    """Copy BUILT into STATE under its model's version, where it outlasts later runs of the pipeline; returns where.

    To be called when a model is promoted: a challenger's run replaces BUILT, whether or not it is promoted.

    Raises:
        DataError: BUILT is missing or damaged.
    """
    version = read_reference(built).model_version
    if not _VERSION.fullmatch(version):
        raise DataError(f"{built}: {version!r} is no model version; {REMEDY}")
    kept = state / FOLDER / f"{version}.parquet"
    if not kept.is_file() or kept.read_bytes() != built.read_bytes():
        with replacing(kept) as temporary:
            shutil.copyfile(built, temporary)
    return kept
