"""Ratios of the data stages against a named peer or a floor, both measured in the same run.

python -m benchmarks.data             some minutes on two cores
python -m benchmarks.data --full      the sizes of the acceptance, about an hour
python -m benchmarks.data --only dvc  one line; repeat the option for more
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.data import assembling, collection, duplicates, loading, storage
from benchmarks.data.table import Row, as_markdown
from benchmarks.options import check_known
from unmask.console import say


def main(
    only: Annotated[list[str] | None, typer.Option(help="Lines to measure; all if left out.")] = None,
    full: Annotated[bool, typer.Option("--full", help="The acceptance's sizes.")] = False,
    pictures: Annotated[int, typer.Option(min=200, help="Pictures of the timed lines.")] = 1000,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each side, in turn; the median counts.")] = 3,
    scratch: Annotated[
        Path | None, typer.Option(help="Folder for what is written; a temporary one if left out.")
    ] = None,
) -> None:
    """Print one table of ratios; nothing here is a test."""
    lines = _lines(4000 if full else pictures, 10_000 if full else 1000, 40_000 if full else 2000, repeats)
    check_known("--only", only, lines)
    rows: list[Row] = []
    for name in only or lines:
        say(f"measuring {name}")
        with tempfile.TemporaryDirectory(prefix="unmask-bench-", dir=scratch) as folder:
            rows += lines[name](Path(folder))
    print(as_markdown(rows))


def _lines(timed: int, few: int, stored: int, repeats: int) -> dict[str, Callable[[Path], list[Row]]]:
    return {
        "assemble": partial(assembling.speed, count=timed, repeats=repeats),
        "faces": partial(assembling.faces, count=timed // 2, repeats=repeats),
        "loader": partial(loading.loader, count=timed, repeats=repeats),
        "memory": partial(assembling.memory, count=few),
        "duplicates": lambda _: duplicates.search(counts=(10_000, 100_000, 1_000_000), repeats=repeats),
        "growth": partial(assembling.growth, count=2 * timed, repeats=repeats),
        "dvc": partial(storage.dvc, count=stored),
        "collection": collection.collection,
    }


if __name__ == "__main__":
    typer.run(main)
