"""The CSV file that answers go to: written under another name until it is whole, and continued where it broke off."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TextIO

from unmask.console import say
from unmask.errors import DataError
from unmask.files import replacing
from unmask.serving.bundle import Bundle
from unmask.serving.offline.scoring import Row

_FIRST = ("path", "level", "frame", "time_s", "p_fake", "verdict", "logit", "sentence")
_LAST = ("model_version", "data_hash", "error")
_PROBABILITY_DIGITS = 6


@dataclass(frozen=True)
class Columns:
    """The columns of one bundle's table: attribute_<label> between the answer and whose answer it is."""

    labels: Sequence[str]
    version: str
    data_md5: str

    @classmethod
    def of(cls, bundle: Bundle) -> "Columns":
        """The columns for a bundle's answers."""
        return cls(bundle.graph.labels, bundle.version, bundle.data.md5)

    @property
    def names(self) -> list[str]:
        """The header."""
        return [*_FIRST, *(f"attribute_{label.replace(' ', '_')}" for label in self.labels), *_LAST]

    def values(self, row: Row) -> list[str]:
        """A row's cells, empty where it has no value."""
        numbers = (row.p_fake, row.logit, *(row.attributes.get(label) for label in self.labels))
        p_fake, logit, *attributes = (_number(value) for value in numbers)
        frame = "" if row.frame is None else str(row.frame)
        time_s = "" if row.time_s is None else f"{row.time_s:.3f}"
        answer = [row.path, row.level, frame, time_s, p_fake, row.verdict, logit, row.sentence]
        return [*answer, *attributes, self.version, self.data_md5, row.error]


def check_target(path: Path) -> None:
    """See that a table can become PATH, before any work is done.

    Raises:
        DataError: PATH is a folder.
    """
    if path.is_dir():
        raise DataError(f"{path}: is a folder; name a CSV file in it, as in --csv {path / 'answers.csv'}")


@contextmanager
def writing(path: Path, columns: Columns, *, resume: bool) -> Iterator["Table"]:
    """Give a table that becomes PATH on success; on failure PATH stays as it was and what was done is kept beside it.

    Raises:
        DataError: RESUME was asked for and what is kept beside PATH is not of this model.
    """
    partial = partial_of(path)
    done: set[str] = set()
    path.parent.mkdir(parents=True, exist_ok=True)
    if resume and partial.is_file():
        done = _trim(partial, columns)
    else:
        partial.unlink(missing_ok=True)
    try:
        with partial.open("a", newline="", encoding="utf-8") as stream:
            yield Table(stream, columns, done)
    except BaseException:
        say(f"note: {partial} holds what was done; --resume goes on from there")
        raise
    partial.replace(path)


def partial_of(path: Path) -> Path:
    """Where the answers are until they are whole."""
    return path.with_name(f"{path.name}.part")


class Table:
    """An open table; `done` holds the paths that it has answers for already, refusals not among them."""

    def __init__(self, stream: TextIO, columns: Columns, done: set[str]) -> None:
        self.done = done
        self._columns = columns
        self._writer = csv.writer(stream, lineterminator="\n")
        if not stream.tell():
            self._writer.writerow(columns.names)

    def write(self, rows: Sequence[Row]) -> None:
        """Add the rows of a file."""
        self._writer.writerows(self._columns.values(row) for row in rows)


def _trim(partial: Path, columns: Columns) -> set[str]:
    """Cut a table that broke off back to whole files that were answered; returns their paths."""
    done: set[str] = set()
    level = columns.names.index("level")
    with replacing(partial) as fresh, fresh.open("w", newline="", encoding="utf-8") as kept:
        writer = csv.writer(kept, lineterminator="\n")
        try:
            for path, rows in _whole_files(partial, columns):
                if rows[-1][level] == "refused":
                    # It is tried again: the reason may be gone, and if not, it is counted and told again.
                    continue
                writer.writerows(rows if done else [columns.names, *rows])
                done.add(path)
        except (csv.Error, IndexError):
            raise DataError(f"{partial}: damaged; run without --resume") from None
    return done


def _whole_files(partial: Path, columns: Columns) -> Iterator[tuple[str, list[list[str]]]]:
    level, version = columns.names.index("level"), columns.names.index("model_version")
    with partial.open(newline="", encoding="utf-8", errors="replace") as stream:
        lines = csv.reader(stream)
        if next(lines, columns.names) != columns.names:
            raise DataError(f"{partial}: has other columns than this bundle's answers; run without --resume")
        before: tuple[str, list[list[str]]] = ("", [])
        for path, rows in groupby(lines, key=lambda cells: cells[0] if cells else ""):
            # The last file's rows may be cut anywhere, so they are not kept; a cut in its path leaves bare frames.
            if before[1] and before[1][-1][level] != "frame":
                if any(cells[version] != columns.version for cells in before[1]):
                    raise DataError(f"{partial}: holds answers of another model; run without --resume")
                yield before
            before = (path, list(rows))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.{_PROBABILITY_DIGITS}f}"
