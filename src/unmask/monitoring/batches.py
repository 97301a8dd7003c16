"""The drift stage's work: the reference for the monitor, and the newest batch against the earlier ones."""

from pathlib import Path

import pandas as pd

from unmask.config import Config
from unmask.monitoring.assess import assess
from unmask.monitoring.heldout import HeldOut, read_heldout, score_rows, some_groups
from unmask.monitoring.reference import BUILT, Reference, write_reference
from unmask.monitoring.summary import Subject, Summary
from unmask.serving.bundle import BUNDLE
from unmask.serving.runtime import Runtime


def drift_of_batches(config: Config, *, root: Path) -> Summary:
    """Write build/drift below ROOT: reference.parquet, report.html and report.json.

    Raises:
        DataError: what an earlier stage wrote is missing or damaged.
    """
    heldout = read_heldout(
        data=root / "data",
        dataset=root / "build/dataset",
        predictions=root / "build/evaluation/predictions.parquet",
        candidate=config.package.candidate,
    )
    runtime = Runtime(root / BUNDLE, threads=config.scale.workers)
    known = some_groups(heldout.of_known_generators(), config.drift.max_rows, seed=config.seed)
    older, newest = _batches(heldout, config)
    wanted = set(known["image_id"]) | set(older["image_id"]) | set(newest["image_id"])
    table = heldout.table[heldout.table["image_id"].isin(wanted)].reset_index(drop=True)
    rows = score_rows(table, runtime, root / "build/dataset", workers=config.scale.workers)
    bundle, ids = runtime.bundle, table["image_id"]
    kept, reference, window = (
        rows.take(ids.isin(part["image_id"]).to_numpy().nonzero()[0]) for part in (known, older, newest)
    )
    write_reference(root / BUILT, Reference(kept, bundle.version, bundle.data.md5))
    *earlier, last = heldout.batches
    return assess(
        reference if earlier else None,
        window,
        Subject(
            what=f"held-out rows of batch {last} against those of {', '.join(earlier) or 'none'}",
            model_version=bundle.version,
            data_hash=bundle.data.md5,
        ),
        config.drift,
        page=root / BUILT.parent / "report.html",
        seed=config.seed,
        why=f"only batch {last} has scored rows; ingest another to compare",
    )


def _batches(heldout: HeldOut, config: Config) -> tuple[pd.DataFrame, pd.DataFrame]:
    is_newest = heldout.table["batch"] == heldout.batches[-1]
    older, newest = (
        some_groups(heldout.table[part], config.drift.max_rows, seed=config.seed) for part in (~is_newest, is_newest)
    )
    return older, newest
