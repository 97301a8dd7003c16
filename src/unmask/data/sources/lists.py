"""CSV and Parquet lists, with a path and a label in each row.

Columns `path` and `label` (real, fake, unlabelled) are needed; `generator`, `source`, `group`, `clip`, `first_seen`
(ISO date), `pair` (path of the real) and `mask` (path) are understood; all others are attributes. Our own format; its
first two columns are those of github.com/gendetection/UnbiasedGenImage, ResNet50/pytorch-image-models-0.6.12/
create_dataset.py, whose `target` is called `label` here.

A path is looked up among the files below the list's folder, never followed.
"""

import io
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from unmask.data.manifest import LABELS
from unmask.data.sources.layout import CAMERA, UNKNOWN_GENERATOR, Finding, Found
from unmask.data.sources.sidecars import MAX_TABLE_MEGABYTES, is_date, read_csv
from unmask.data.sources.tree import Tree
from unmask.errors import DataError

_NEEDED = ("path", "label")
_Odd = dict[str, list[str]]
_UNDERSTOOD = (*_NEEDED, "generator", "source", "group", "clip", "first_seen", "pair", "mask")


class Lists:
    """Lists at the top of the tree, or the one that the user named."""

    name = "list"
    selects = True
    expects = "<list>.csv or <list>.parquet with the columns path and label (real, fake or unlabelled)"

    def recognises(self, tree: Tree) -> bool:
        """Whether a table at the top has the two columns."""
        return bool(_lists(tree))

    def find(self, tree: Tree, source: str) -> Finding:
        """Find the files that the lists name; every row without a file is refused.

        Raises:
            DataError: a list can't be parsed.
        """
        lists = _lists(tree)
        finding = Finding(used=set(lists))
        for path in lists:
            odd: _Odd = {"first_seen": [], "pair": [], "mask": []}
            for row in _rows(_read(tree, path)):
                _find_row(tree, row, source, finding, odd)
            for column, rows in odd.items():
                what = "is no ISO date" if column == "first_seen" else "is no file below the list's folder"
                finding.note(rows, f"{tree.at(path)}: {{}} rows have a {column} that {what}, left out")
        return finding


def _lists(tree: Tree) -> list[str]:
    candidates = [tree.chosen] if tree.chosen else [path for path in tree.paths if "/" not in path]
    return [path for path in candidates if set(_NEEDED) <= set(_columns(tree, path))]


def _columns(tree: Tree, path: str) -> list[str]:
    try:
        if path.lower().endswith(".csv"):
            head = tree.head(path, 65536).decode("utf-8-sig", "replace").splitlines()[:1]
            return [name.strip().strip('"') for name in head[0].split(",")] if head else []
        if path.lower().endswith(".parquet"):
            with tree.open(path) as stream:
                return [str(name) for name in pq.read_schema(stream).names]
    except (DataError, pa.ArrowException, OSError):
        pass
    return []


def _read(tree: Tree, path: str) -> pd.DataFrame:
    if path.lower().endswith(".csv"):
        return read_csv(tree, path, _NEEDED)
    try:
        file = pq.ParquetFile(io.BytesIO(tree.read(path, max_megabytes=MAX_TABLE_MEGABYTES)))
        sizes = (file.metadata.row_group(number).total_byte_size for number in range(file.num_row_groups))
        if sum(sizes) > MAX_TABLE_MEGABYTES * 1e6:
            raise DataError(f"larger than {MAX_TABLE_MEGABYTES:g} MB when unpacked")
        frame = file.read().to_pandas()
    except (DataError, pa.ArrowException, OSError, ValueError) as error:
        raise DataError(f"{tree.at(path)}: can't be read as Parquet ({str(error).splitlines()[0]})") from error
    return pd.DataFrame({str(name): ["" if _is_null(value) else str(value) for value in frame[name]] for name in frame})


def _rows(table: pd.DataFrame) -> Iterator[dict[str, str]]:
    columns = [str(name) for name in table.columns]
    for values in zip(*(table[name] for name in table.columns), strict=True):
        yield dict(zip(columns, values, strict=True))


def _is_null(value: object) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(cast("float", value)))


def _find_row(tree: Tree, row: dict[str, str], source: str, finding: Finding, odd: _Odd) -> None:
    name = source or row.get("source", "").strip() or tree.name
    file, reason = _look_up(tree, row["path"])
    label = row["label"].strip().lower()
    if not reason and label not in LABELS:
        reason = f"label {label[:40]!r} is not {', '.join(LABELS)}" if label else "no label"
    if reason:
        finding.refuse(file or row["path"].strip(), reason, source=name)
        return
    finding.take(
        Found(
            file,
            name,
            file,
            label,
            _generator(label, row.get("generator", "").strip()),
            group=row.get("group", "").strip(),
            clip=row.get("clip", "").strip(),
            first_seen=_date(row, odd),
            pair=_beside(tree, row, "pair", odd),
            mask=_beside(tree, row, "mask", odd),
            attributes={key: value.strip() for key, value in row.items() if key not in _UNDERSTOOD},
        )
    )


def _look_up(tree: Tree, text: str) -> tuple[str, str]:
    """The file that a row names, and why it can't be used or ""."""
    path = PurePosixPath(text.strip().replace("\\", "/"))
    if not path.parts or not text.strip():
        return "", "no path"
    if path.is_absolute() or ".." in path.parts or path.parts[0].endswith(":"):
        return "", "path leaves the list's folder"
    file = str(path)
    if file in tree.refused:
        return file, tree.refused[file]
    return file, "" if file in tree.members else "no such file below the list's folder"


def _date(row: dict[str, str], odd: _Odd) -> str:
    seen = row.get("first_seen", "").strip()
    if seen and not is_date(seen):
        odd["first_seen"].append(seen)
        return ""
    return seen[:10]


def _beside(tree: Tree, row: dict[str, str], column: str, odd: _Odd) -> str:
    text = row.get(column, "").strip()
    file, reason = _look_up(tree, text) if text else ("", "")
    if reason:
        odd[column].append(text)
        return ""
    return file


def _generator(label: str, named: str) -> str:
    if label == "unlabelled":
        return ""
    return named or (CAMERA if label == "real" else UNKNOWN_GENERATOR)
