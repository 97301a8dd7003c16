"""How often the monitor raises an alarm: on traffic without drift, and where a generator is new, by its share.

python -m benchmarks.drift  about ten minutes on one core; needs the output of `dvc repro`

A window is drawn from held-out rows of generators that the model knows, newcomers from those that it has never seen.
For each window people are split anew: one half is the reference, the other sends the traffic, row by row, one picture
a request. Rows are drawn with replacement from some hundreds, so that a large window holds repeats, which the monitor
counts once: `distinct` says how many pictures it is really about. The windows share those rows and are not
independent, so the true interval is wider than the one that is printed.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from unmask.config import Drift, load_config
from unmask.data.manifest import read_manifest
from unmask.data.tables import read_table
from unmask.evaluation.bootstrap import exact_interval
from unmask.monitoring.compare import Sides, compare
from unmask.monitoring.heldout import FROM_MANIFEST, qualities
from unmask.monitoring.rows import Rows, watched_columns
from unmask.serving.traffic import project

SIZES = (100, 300, 1000)
SHARES = (0.05, 0.1, 0.3)
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Pool:
    """Rows to draw from: whether the model knows each one's generator, and which it is."""

    rows: Rows
    known: np.ndarray
    generator: np.ndarray


@dataclass(frozen=True)
class Cell:
    """Windows of one size and share of newcomers: alarms among those that were decided, mean distinct pictures."""

    alarms: int
    decided: int
    distinct: float

    def __str__(self) -> str:
        if not self.decided:
            return "undecided"
        share = self.alarms / self.decided
        low, high = exact_interval(share, self.decided, CONFIDENCE)
        return f"{share:.1%} [{low:.1%}, {high:.1%}]"


def main(
    root: Annotated[Path, typer.Option(help="Folder with the pipeline's build/.")] = Path(),
    windows: Annotated[int, typer.Option(min=1, help="Without drift, of each size.")] = 400,
    drifted: Annotated[int, typer.Option(min=1, help="With newcomers, of each size and share.")] = 100,
    permutations: Annotated[int, typer.Option(help="Of a window; drift.permutations if 0.")] = 0,
) -> None:
    """Print one table; nothing here is a test."""
    config = load_config(Path.cwd())
    settings = replace(config.drift, permutations=permutations or config.drift.permutations)
    pool = read_pool(root, config.package.candidate)
    known = int(pool.known.sum())
    groups = len(np.unique(pool.rows.groups[pool.known]))
    print(f"{known} rows of {groups} people, half of them the reference; newcomers: {newcomers(pool)}; ", end="")
    print(f"level {settings.level:g}, {settings.permutations} permutations, {windows} and {drifted} windows\n")
    print(f"| pictures | distinct | no newcomer | {' | '.join(f'{share:.0%}' for share in SHARES)} |")
    print("|---" * (3 + len(SHARES)) + "|")
    for size in SIZES:
        cells = [measure(pool, size, share, windows if share == 0 else drifted, settings) for share in (0, *SHARES)]
        print(f"| {size:,} | {cells[0].distinct:.0f} | {' | '.join(map(str, cells))} |", flush=True)


def read_pool(root: Path, candidate: str) -> Pool:
    """Held-out rows as the service would log them, with the scores that `evaluate` wrote."""
    judged = read_table(root / "build/evaluation/predictions.parquet")
    judged = judged[(judged["candidate"] == candidate) & judged["split"].isin(["val", "test"])].drop(columns="group")
    facts = read_manifest(root / "build/dataset/manifest.parquet", FROM_MANIFEST)
    table = judged.merge(facts, on="image_id", validate="one_to_one")
    parts = (table["p_fake"], table["verdict"], table["marginals"], qualities(table))
    columns = watched_columns(
        (p, said, {str(place): value for place, value in enumerate(marginals)}, quality)
        for p, said, marginals, quality in zip(*parts, strict=True)
    )
    embeddings = np.stack([project(each) for each in table["embedding"]]).astype(np.float64)
    ids, groups = (table[name].to_numpy(dtype=str) for name in ("image_id", "group"))
    rows = Rows(ids, columns, embeddings, groups)
    return Pool(rows, table["seen"].to_numpy(dtype=bool), table["generator"].to_numpy(dtype=str))


def newcomers(pool: Pool) -> str:
    """Generators that the model has never seen, with their rows."""
    names, counts = np.unique(pool.generator[~pool.known], return_counts=True)
    return ", ".join(f"{name} ({count})" for name, count in zip(names, counts, strict=True))


def measure(pool: Pool, size: int, share: float, windows: int, settings: Drift) -> Cell:
    """Draw windows and count alarms; newcomers of a window are of one generator, which take turns."""
    names = np.unique(pool.generator[~pool.known])
    alarms, distinct = [], []
    for number in range(windows):
        rng = np.random.default_rng((number, size, round(1000 * share)))
        of_reference, of_traffic = split(pool, rng)
        new = np.flatnonzero(~pool.known & (pool.generator == names[number % len(names)]))
        fresh = round(share * size)
        drawn = np.concatenate([rng.choice(of_traffic, size - fresh), rng.choice(new, fresh)])
        window = replace(pool.rows.take(drawn), groups=np.arange(size).astype(str))
        sides = Sides.of(pool.rows.take(of_reference), window, settings, seed=number)
        if isinstance(sides, Sides):
            alarms.append(bool(compare(sides, settings, seed=number).drifted))
            distinct.append(len(sides.window))
    return Cell(sum(alarms), len(alarms), float(np.mean(distinct)) if distinct else 0.0)


def split(pool: Pool, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Known rows of one half of the people, and of the other."""
    people = rng.permutation(np.unique(pool.rows.groups[pool.known]))
    first = pool.known & np.isin(pool.rows.groups, people[: len(people) // 2])
    return np.flatnonzero(first), np.flatnonzero(pool.known & ~first)


if __name__ == "__main__":
    typer.run(main)
