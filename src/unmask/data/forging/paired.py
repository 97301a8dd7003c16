"""Difference masks of all registered pairs, dataset shard by dataset shard."""

from concurrent.futures import Executor
from dataclasses import astuple, dataclass
from itertools import groupby
from pathlib import Path

import pandas as pd

from unmask.config import Expand
from unmask.console import track
from unmask.data.forging.cache import Cache, name_of, shard_of
from unmask.data.forging.pairs import PAIRS_SCHEMA, Pair, PairComparer, bounds_of, pairs_of
from unmask.data.parallel import Workers, ordered_map, process_pool
from unmask.data.shards import ShardWriter
from unmask.data.tables import empty_frame, read_typed, write_typed

CHUNK = 8
REMEDY = "run `dvc repro expand`"


def compare_pairs(dataset: Path, out: Path, rows: pd.DataFrame, *, settings: Expand, workers: Workers) -> pd.DataFrame:
    """Write OUT/pairs-<name>.parquet and OUT/masks-<name>.zip for each shard with pairs; returns all their rows.

    A shard is worked on again only when a picture of its pairs, the settings or the code changed.

    Raises:
        DataError: a crop can't be read.
    """
    pairs = pairs_of(rows) if settings.pair_masks else []
    by_id, cache = rows.set_index("image_id", drop=False), Cache(out, (("pairs-", ".parquet"), ("masks-", ".zip")))
    bounds, shards = bounds_of(settings), dict[str, list[Pair]]()
    for _, group in groupby(sorted(pairs, key=lambda pair: shard_of(pair.key)), key=lambda pair: shard_of(pair.key)):
        chosen = list(group)
        sides = [by_id.loc[[getattr(pair, side) for pair in chosen]] for side in ("image_id", "real_id")]
        shards[name_of(PairComparer, astuple(bounds), *sides)] = chosen
    new = {name: chosen for name, chosen in shards.items() if not cache.complete(name)}
    with process_pool(workers, sum(map(len, new.values())) // CHUNK) as pool:
        write = _ShardWriter(out, PairComparer(dataset, bounds), pool, ahead=workers.ahead)
        for name, chosen in new.items():
            write(name, chosen)
    cache.keep(shards)
    found = [read_typed(out / f"pairs-{name}.parquet", PAIRS_SCHEMA, remedy=REMEDY) for name in shards]
    return pd.concat(found, ignore_index=True) if found else empty_frame(PAIRS_SCHEMA)


@dataclass(frozen=True)
class _ShardWriter:
    out: Path
    comparer: PairComparer
    pool: Executor | None
    ahead: int

    def __call__(self, name: str, pairs: list[Pair]) -> None:
        chunks = [pairs[start : start + CHUNK] for start in range(0, len(pairs), CHUNK)]
        done = (shown for part in ordered_map(self.pool, self.comparer, chunks, ahead=self.ahead) for shown in part)
        rows = []
        with ShardWriter(self.out / f"masks-{name}.zip") as shard:
            for shown in track(done, "pairs", total=len(pairs)):
                member = f"{shown.facts['image_id']}.mask.png"
                if shown.mask_png:
                    shard.write(member, shown.mask_png)
                rows.append({**shown.facts, "mask_key": f"masks-{name}.zip/{member}" if shown.mask_png else ""})
        write_typed(self.out / f"pairs-{name}.parquet", pd.DataFrame(rows), PAIRS_SCHEMA)
