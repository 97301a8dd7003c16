"""Dataset expansion: forge labelled training reals, shard by shard, and label every row whose label is visible."""

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from unmask.config import Expand
from unmask.console import track
from unmask.data.forging.cache import Cache, name_of, shard_of
from unmask.data.forging.difference import DIFFERENCE, UNCHANGED
from unmask.data.forging.labelling import label_table, mask_table
from unmask.data.forging.masks import MASKS_SCHEMA
from unmask.data.forging.mix import mix_of
from unmask.data.forging.paired import compare_pairs
from unmask.data.forging.plan import Face, plan
from unmask.data.forging.regions import as_points
from unmask.data.forging.worker import Forger, Made, Skipped
from unmask.data.manifest import MANIFEST_SCHEMA, read_manifest, write_manifest
from unmask.data.parallel import Workers, ordered_map, process_pool
from unmask.data.shards import ShardWriter
from unmask.data.sheets import write_sheets
from unmask.data.tables import empty_frame, read_typed, write_table, write_typed
from unmask.files import read_json, write_json
from unmask.labels.graph import LabelGraph

ROWS_SCHEMA = MANIFEST_SCHEMA.append(pa.field("altered", pa.list_(pa.string()))).append(
    pa.field("visible", pa.list_(pa.string()))
)
CHUNK = 4
REMEDY = "run `dvc repro expand`"


@dataclass(frozen=True)
class Expansion:
    """What one run made: forgeries, the reals they came from, skips by reason, pairs by outcome, rows, new shards."""

    forgeries: int
    reals: int
    skipped: Counter[str]
    pairs: Counter[str]
    labelled: int
    new_shards: int

    def summary(self) -> str:
        """One line for a person."""
        why = "; ".join(f"{count} {reason}" for reason, count in self.skipped.most_common(3))
        skipped = f"{self.skipped.total():,} skipped" + (f" ({why})" if why else "")
        made = f"{self.forgeries:,} forgeries of {self.reals:,} reals, {skipped}"
        pairs = f", {self._pairs()}" if self.pairs else ""
        return f"{made}{pairs}, {self.labelled:,} rows labelled, {self.new_shards} shards worked on"

    def _pairs(self) -> str:
        failed = Counter({why: n for why, n in self.pairs.items() if why not in (DIFFERENCE, UNCHANGED)})
        why = f" ({'; '.join(f'{n} {reason}' for reason, n in failed.most_common(2))})" if failed else ""
        masks = f"{self.pairs[DIFFERENCE]:,} of {self.pairs.total():,} pairs gave a mask"
        return f"{masks}, {self.pairs[UNCHANGED]:,} show no change, {failed.total():,} can't be compared{why}"


def expand(dataset: Path, out: Path, *, settings: Expand, graph: LabelGraph, seed: int, workers: Workers) -> Expansion:
    """Write OUT: manifest.parquet, crops-<key>.zip, labels.parquet, masks.parquet and a contact sheet a forger.

    A shard of forgeries is made again only when its reals, the settings or the forging code changed; so are the
    difference masks of registered pairs.

    Raises:
        ConfigError: a share or a method in the settings makes no sense.
        DataError: the dataset is missing or damaged.
    """
    rows = read_manifest(dataset / "manifest.parquet")
    out.mkdir(parents=True, exist_ok=True)
    generated, skipped, new_shards = _forge(dataset, out, rows, settings=settings, seed=seed, workers=workers)
    write_manifest(out / "manifest.parquet", generated)
    pairs = compare_pairs(dataset, out, rows, settings=settings, workers=workers)
    labels = label_table(dataset, rows, generated, pairs, graph=graph, settings=settings)
    write_table(out / "labels.parquet", labels)
    write_typed(out / "masks.parquet", mask_table(rows, generated, pairs), MASKS_SCHEMA)
    write_sheets(dataset, out, rows, generated, pairs)
    outcomes = Counter(pairs["outcome"])
    return Expansion(len(generated), generated["forged_from"].nunique(), skipped, outcomes, len(labels), new_shards)


def _forge(
    dataset: Path, out: Path, rows: pd.DataFrame, *, settings: Expand, seed: int, workers: Workers
) -> tuple[pd.DataFrame, Counter[str], int]:
    reals = rows[(rows["label"] == "real") & rows["labelled"] & (rows["split"] == "train") & rows["landmarks"].notna()]
    shards = {
        name_of(Forger, _forging_settings(settings, seed), chosen.sort_values("image_id")): chosen.sort_values(
            "image_id"
        )
        for _, chosen in reals.groupby(reals["key"].map(shard_of), sort=True)
    }
    cache = Cache(out, (("rows-", ".parquet"), ("skips-", ".json"), ("crops-", ".zip")))
    new = {name: chosen for name, chosen in shards.items() if not cache.complete(name)}
    with process_pool(workers, sum(map(len, new.values())) // CHUNK) as pool:
        forge = _ShardForger(dataset, out, settings, seed, pool, ahead=workers.ahead)
        for name, chosen in new.items():
            forge(name, chosen)
    cache.keep(shards)
    made = [read_typed(out / f"rows-{name}.parquet", ROWS_SCHEMA, remedy=REMEDY) for name in shards]
    skipped = sum((Counter(read_json(out / f"skips-{name}.json")) for name in shards), Counter[str]())
    generated = pd.concat(made, ignore_index=True) if made else empty_frame(ROWS_SCHEMA)
    fresh = generated[~generated["image_id"].isin(rows["image_id"])].drop_duplicates("image_id")
    # Shards are named after their code: in their order, an edit of a comment would train another detector.
    return fresh.sort_values("image_id", ignore_index=True), skipped, len(new)


def _forging_settings(settings: Expand, seed: int) -> tuple[object, ...]:
    counts = (settings.self_blended_per_real, settings.region_edits_per_real)
    mix = mix_of(settings)
    shares = (dict(mix.methods), dict(mix.skin_methods), mix.poisson_share, mix.colour_space)
    return (seed, *counts, settings.min_change, settings.min_area, *shares)


@dataclass(frozen=True)
class _ShardForger:
    dataset: Path
    out: Path
    settings: Expand
    seed: int
    pool: Executor | None
    ahead: int

    def __call__(self, name: str, chosen: pd.DataFrame) -> None:
        real = {row["image_id"]: row for row in chosen.to_dict("records")}
        rows, skips = [], Counter[str]()
        with ShardWriter(self.out / f"crops-{name}.zip") as shard:
            for result in self._results(list(real.values())):
                if isinstance(result, Skipped):
                    skips[result.reason] += 1
                elif f"{result.facts['image_id']}.png" in shard:
                    skips["the same as another forgery"] += 1
                else:
                    shard.write(f"{result.facts['image_id']}.png", result.png)
                    shard.write(f"{result.facts['image_id']}.mask.png", result.mask_png)
                    rows.append(_row(real[result.recipe.image_id], result, f"crops-{name}.zip"))
        write_json(self.out / f"skips-{name}.json", dict(skips))
        frame = pd.DataFrame(rows) if rows else empty_frame(ROWS_SCHEMA)
        write_typed(self.out / f"rows-{name}.parquet", frame, ROWS_SCHEMA)

    def _results(self, reals: list[dict[Hashable, Any]]) -> Iterator[Made | Skipped]:
        faces = [
            Face(row["image_id"], row["key"], row["source"], row["group"], as_points(row["landmarks"])) for row in reals
        ]
        blends, edits = self.settings.self_blended_per_real, self.settings.region_edits_per_real
        mix = mix_of(self.settings)
        jobs = list(plan(faces, mix, seed=self.seed, self_blends=blends, region_edits=edits))
        chunks = [jobs[start : start + CHUNK] for start in range(0, len(jobs), CHUNK)]
        forger = Forger(self.dataset, self.settings.min_change, self.settings.min_area, mix.colour_space)
        made = (of_face for chunk in ordered_map(self.pool, forger, chunks, ahead=self.ahead) for of_face in chunk)
        for of_face in track(made, "forging", total=len(jobs)):
            yield from of_face


def _row(real: Mapping[Hashable, Any], made: Made, shard: str) -> dict[str, Any]:
    image_id = made.facts["image_id"]
    changed = {
        **made.facts,
        "key": f"{shard}/{image_id}.png",
        "mask_key": f"{shard}/{image_id}.mask.png",
        "label": "fake",
        "generator": made.recipe.generator,
        "forged_from": real["image_id"],
        "altered": list(made.altered),
        "visible": list(made.visible),
    }
    return {**{str(name): value for name, value in real.items()}, **changed}
