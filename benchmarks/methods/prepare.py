"""Pictures to what the trainer reads, by the project's own ingest, assemble, expand and shortcut audit.

The folder is a scratch place outside the project, because real pictures must not be copied into it.
"""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.methods.protocols import FACES, Protocol, cast_rows
from unmask.config import Config
from unmask.console import say
from unmask.data.assemble import assemble
from unmask.data.audit.features import feature_tables
from unmask.data.audit.shortcut import out_of_fold_auc
from unmask.data.code import code_digest
from unmask.data.expand import expand
from unmask.data.ingest import ingest
from unmask.data.manifest import read_manifest, write_manifest
from unmask.data.parallel import Workers
from unmask.data.tables import write_table
from unmask.errors import DataError
from unmask.files import read_json, write_json
from unmask.labels.graph import graph_by_name
from unmask.training.folders import Folders

Shortcut = dict[str, dict[str, float | None]]


def material(name: str, scratch: Path, config: Config, *, real_data: Path | None, sample: Path) -> Path:
    """Take pictures in and assemble them once, without any split; returns the dataset's folder.

    Raises:
        DataError: the real pictures or the sample are not there.
    """
    if name == FACES:
        if real_data is None or not (real_data / "faces").is_dir():
            raise DataError("real pictures: give the folder that holds faces/ by --data or UNMASK_REAL_DATA")
        data = scratch / FACES / "data"
        say(ingest(real_data / "faces", data, today="2026-01-01", layout="folders"))
        sources: list[str] = []
    else:
        data, sources = sample, [name]
    dataset = scratch / name / "dataset"
    # All groups into training: folds split them later.
    settings = dataclasses.replace(
        config.assemble,
        sources=sources,
        domain="source",
        val_fraction=0.0,
        test_fraction=0.0,
        labelled_fraction=1.0,
        unseen_generators=[],
    )
    say(assemble(data, dataset, settings=settings, seed=config.seed, workers=Workers.of(config.scale)))
    return dataset


def data_hash(manifest: pd.DataFrame) -> str:
    """First 16 hex digits of the SHA-256 over the original files' hashes, labels, generators and groups."""
    told = manifest[["raw_sha256", "source", "label", "generator", "group"]].sort_values(["raw_sha256", "group"])
    return hashlib.sha256(told.to_csv(index=False).encode()).hexdigest()[:16]


def prepare_fold(dataset: Path, place: Path, protocol: Protocol, fold: int, config: Config) -> Path:
    """Cast and expand one fold into PLACE and audit its shortcuts, unless it stands there already; returns PLACE.

    It holds dataset/, expanded/, parts.parquet and shortcut.json.
    """
    manifest = read_manifest(dataset / "manifest.parquet")
    key = _fold_key(manifest, protocol, config)
    marker = place / "prepared.json"
    if marker.is_file() and read_json(marker)["key"] == key:
        return place
    say(f"preparing fold {fold}: {protocol.title}")
    rows = cast_rows(_with_domain(manifest, protocol.domain), protocol, fold)
    _link_crops(dataset, place / "dataset")
    write_manifest(place / "dataset/manifest.parquet", rows.drop(columns="part"))
    write_table(place / "parts.parquet", rows[["image_id", "part"]])
    graph = graph_by_name(config.labels.graph, config.labels.allow_bare_root)
    workers = Workers.of(config.scale)
    made = expand(
        place / "dataset", place / "expanded", settings=config.expand, graph=graph, seed=config.seed, workers=workers
    )
    say(made.summary())
    write_json(place / "shortcut.json", shortcuts(rows, dataset, protocol, config))
    write_json(marker, {"key": key, "data": data_hash(manifest)})
    return place


def fold_folders(place: Path) -> Folders:
    """The folders of a prepared fold, as training reads them; the caller adds those of its models."""
    return Folders(dataset=place / "dataset", expanded=place / "expanded")


def shortcuts(rows: pd.DataFrame, root: Path, protocol: Protocol, config: Config) -> Shortcut:
    """What simple statistics alone reach on each column's test rows: AUC without and with the chroma residual."""
    tested = rows[rows["part"].isin(["seen", "unseen", "both", "other"])]
    plain, chroma = feature_tables(tested, root, workers=Workers.of(config.scale))
    found: Shortcut = {}
    for column in protocol.columns:
        chosen = tested[tested["part"].isin(column.parts)]
        fake, group = (chosen["label"] == "fake").to_numpy(), chosen["group"].to_numpy(dtype=str)
        tables = {"auc": plain, "with_chroma": pd.concat([plain, chroma], axis=1)}
        found[column.name] = {
            which: out_of_fold_auc(table.loc[chosen.index].to_numpy(np.float64), fake, group, seed=config.seed)
            for which, table in tables.items()
        }
    return found


def _with_domain(manifest: pd.DataFrame, domain: str) -> pd.DataFrame:
    if domain == "source":
        return manifest.assign(domain=manifest["source"])
    return manifest.assign(domain=[str(json.loads(text).get(domain) or "unknown") for text in manifest["attributes"]])


def _link_crops(dataset: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for stale in target.glob("crops-*.zip"):
        stale.unlink()
    for shard in dataset.glob("crops-*.zip"):
        (target / shard.name).symlink_to(shard.resolve())


def _fold_key(manifest: pd.DataFrame, protocol: Protocol, config: Config) -> str:
    package = Path(__file__).parent
    # Presets, title and budget change no row.
    rules = dataclasses.asdict(dataclasses.replace(protocol, presets=(), title="", passes=0))
    settings = [rules, dataclasses.asdict(config.expand), dataclasses.asdict(config.labels), config.seed]
    code = [(package / name).read_text() for name in ("prepare.py", "protocols.py")]
    code += [code_digest(f"unmask.data.{name}") for name in ("expand", "audit.features", "audit.shortcut")]
    crops = manifest[["image_id", "key"]].to_csv(index=False)
    return hashlib.sha256(json.dumps([settings, code, crops, data_hash(manifest)]).encode()).hexdigest()[:16]
