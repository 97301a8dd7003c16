"""Which generators each run of a protocol keeps unseen, and which of them it is judged on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

import pandas as pd

from unmask.data.batches import list_batches, read_index
from unmask.errors import DataError

Dates = Mapping[str, date]


@dataclass(frozen=True)
class Fold:
    """One run: `unseen` generators are kept from training and validation, `tested` are those of them it is about.

    `until` is the day up to which generators were known, None where time plays no part.
    """

    unseen: tuple[str, ...]
    tested: tuple[str, ...]
    until: date | None = None


def leave_one_out(generators: Dates) -> list[Fold]:
    """One fold for each generator, kept unseen while all others train.

    Raises:
        DataError: there are fewer than two.
    """
    if len(generators) < 2:
        raise DataError(f"leave-one-out needs fakes of two generators; data/ holds {_listed(generators)}")
    return [Fold((name,), (name,)) for name in sorted(generators)]


def next_window(generators: Dates) -> list[Fold]:
    """One fold for each day on which generators were first seen, but the last: train up to it, test on the next ones.

    What came after the next window is kept unseen too, and not tested on.

    Raises:
        DataError: all generators were first seen on one day.
    """
    in_order = sorted(generators, key=lambda name: (generators[name], name))
    windows = [(day, tuple(names)) for day, names in groupby(in_order, key=lambda name: generators[name])]
    if len(windows) < 2:
        raise DataError(
            f"next-window needs generators first seen on different days; data/ holds {_listed(generators)}; give the "
            "days in a table (--dates), or first_seen with the pictures before `unmask ingest`"
        )
    later = [sum((names for _, names in windows[place:]), ()) for place in range(1, len(windows))]
    return [Fold(unseen, windows[place + 1][1], until=windows[place][0]) for place, unseen in enumerate(later)]


PROTOCOLS: Mapping[str, Callable[[Dates], list[Fold]]] = {"leave-one-out": leave_one_out, "next-window": next_window}


def first_seen(data: Path, sources: list[str]) -> dict[str, date]:
    """The day each generator was first seen: the earliest of its fakes in SOURCES (empty: all), over all batches.

    A fake's day is the `first_seen` that came with it, else the day it was taken in.

    Raises:
        DataError: an index is missing or damaged.
    """
    columns = ["source", "label", "generator", "first_seen"]
    rows = [read_index(batch, columns) for batch in list_batches(data)]
    if not rows:
        return {}
    fakes = pd.concat(rows, ignore_index=True).query("label == 'fake'")
    if sources:
        fakes = fakes[fakes["source"].isin(sources)]
    days = fakes["first_seen"].map(_day)
    return {str(name): min(of_it) for name, of_it in days.groupby(fakes["generator"])}


def dated(generators: Dates, table: Path) -> dict[str, date]:
    """The days with those of a CSV table (columns generator, first_seen) in their place.

    Raises:
        DataError: the table can't be read, has a generator that data/ lacks, or a day that is none.
    """
    try:
        rows = pd.read_csv(table, dtype=str, keep_default_na=False)
        given = dict(zip(rows["generator"], rows["first_seen"], strict=True))
    except FileNotFoundError:
        raise DataError(f"{table}: missing") from None
    except (KeyError, ValueError) as error:
        raise DataError(f"{table}: not a CSV table with the columns generator and first_seen ({error})") from None
    unknown = sorted(set(given) - set(generators))
    if unknown:
        raise DataError(f"{table}: data/ has no fakes of {', '.join(unknown)}; it has {_listed(generators)}")
    try:
        return {**generators, **{name: _day(text) for name, text in given.items()}}
    except ValueError as error:
        raise DataError(f"{table}: first_seen: {error}; write days as 2025-01-31") from None


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _listed(generators: Dates) -> str:
    return ", ".join(f"{name} ({day})" for name, day in sorted(generators.items())) or "none"
