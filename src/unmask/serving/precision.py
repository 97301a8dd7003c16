"""Chooses the precision a model is served in: int8 where its validation AUC holds, else float32."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unmask.config import Config
from unmask.data.decode import decode_image
from unmask.data.manifest import read_manifest
from unmask.data.preprocess import Pixels, PreprocessSpec, crop
from unmask.data.shards import ShardReader
from unmask.errors import ConfigError, DataError
from unmask.evaluation.measure import Candidate, calibrated, headline_numbers, score_rows
from unmask.evaluation.predict import prefetched
from unmask.evaluation.slices import measure_slice, slices
from unmask.serving.bundle import Precision
from unmask.serving.export import onnx_logits
from unmask.serving.quantise import quantise
from unmask.serving.verdict import Thresholds

CHOICES = ("auto", "never")
RANGE_CROPS = 256  # training crops that set the ranges of int8; its AUC stops changing well below


@dataclass(frozen=True)
class Evaluated:
    """A model as measured: `calibration` as calibration.json holds it, `metrics` as metrics.json does.

    `predictions` are its validation and test rows as in predictions.parquet.
    """

    predictions: pd.DataFrame
    calibration: dict[str, Any]
    metrics: dict[str, Any]


@dataclass(frozen=True)
class Served:
    """The precision that was chosen, and calibration and metrics of the model in that precision."""

    precision: Precision
    calibration: dict[str, Any]
    metrics: dict[str, Any]


def choose_precision(
    model: Path, evaluated: Evaluated, *, dataset: Path, spec: PreprocessSpec, config: Config
) -> Served:
    """Try MODEL, the float ONNX file, in int8, and put that in its place where validation AUC falls by little enough.

    Validation rows decide; test rows are only reported. An int8 model gets temperature, thresholds and metrics from its
    own logits, because a threshold of the float model would promise a rate that nobody measured.

    Raises:
        ConfigError: package.int8 is none of CHOICES.
        DataError: a crop can't be read or a row has none.
    """
    settings = config.package
    if settings.int8 not in CHOICES:
        raise ConfigError(f"params.yaml: package.int8: {settings.int8!r} is none of {', '.join(CHOICES)}")
    as_it_was = (evaluated.calibration, evaluated.metrics)
    if settings.int8 == "never":
        return Served(Precision("float32", "float32, because package.int8 is never", {}), *as_it_was)
    candidate = model.with_name("int8.onnx")
    try:
        table, measured = _try_int8(model, candidate, evaluated.predictions, dataset=dataset, spec=spec, config=config)
        loss = measured["validation_auc_float32"] - measured["validation_auc_int8"]
        told = _told(measured)
        if not loss <= settings.max_auc_loss:
            why = f"float32, because int8 would cost more than package.max_auc_loss: {told}"
            return Served(Precision("float32", why, measured), *as_it_was)
        candidate.replace(model)
    finally:
        candidate.unlink(missing_ok=True)
    return _recalibrated(table, evaluated, told=told, measured=measured, config=config)


def _try_int8(
    model: Path, candidate: Path, predictions: pd.DataFrame, *, dataset: Path, spec: PreprocessSpec, config: Config
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Quantise to CANDIDATE; the predictions with its logits, and what was measured."""
    manifest = read_manifest(dataset / "manifest.parquet", columns=["image_id", "key", "split"])
    keys = manifest.set_index("image_id")["key"].reindex(predictions["image_id"])
    if keys.isna().any():
        lost = predictions.loc[keys.isna().to_numpy(), "image_id"].iloc[0]
        raise DataError(f"{dataset / 'manifest.parquet'}: no row {lost}, which was evaluated; run `dvc repro evaluate`")
    train = manifest[manifest["split"] == "train"].sort_values("image_id")["key"].head(RANGE_CROPS)
    if train.empty:
        raise DataError(f"{dataset / 'manifest.parquet'}: no training row to set the ranges of int8 with")
    workers = config.scale.workers
    quantise(model, candidate, crops_of(train.tolist(), dataset, spec, workers))
    table = predictions.assign(logit=onnx_logits(candidate, crops_of(keys.tolist(), dataset, spec, workers)))
    measured = {
        f"{name}_auc_{kind}": _auc(rows[rows["split"] == split])
        for split, name in (("val", "validation"), ("test", "test"))
        for kind, rows in (("float32", predictions), ("int8", table))
    }
    sizes = {f"megabytes_{kind}": path.stat().st_size / 1e6 for kind, path in (("float32", model), ("int8", candidate))}
    return table, {name: round(value, 5) for name, value in (measured | sizes).items() if not math.isnan(value)}


def _told(measured: dict[str, float]) -> str:
    parts = [
        f"{split} AUC {measured[f'{split}_auc_int8']:.4f} in int8 and {measured[f'{split}_auc_float32']:.4f} in float32"
        for split in ("validation", "test")
        if f"{split}_auc_int8" in measured
    ]
    return ", ".join(parts)


def crops_of(keys: Sequence[str], dataset: Path, spec: PreprocessSpec, workers: int) -> Iterator[Pixels]:
    """Batches of crops uint8 (B, size, size, 3) by shard key, decoded in threads.

    Raises:
        DataError: a shard is damaged or a crop does not decode.
    """
    reader = ShardReader(dataset)

    def load(key: str) -> Pixels:
        return crop(decode_image(reader.read(key)), spec)

    with ThreadPoolExecutor(max(1, workers)) as pool:
        for batch in prefetched(keys, load, pool):
            yield np.stack(batch)


def _auc(rows: pd.DataFrame) -> float:
    curve = score_rows(rows, Thresholds(fake=1.0, real=0.0)).curve(np.ones(len(rows)))
    return float("nan") if curve is None else float(curve.auc())


def _recalibrated(
    table: pd.DataFrame, evaluated: Evaluated, *, told: str, measured: dict[str, float], config: Config
) -> Served:
    table, calibration = calibrated(table, config.evaluate)
    changed = float((table["verdict"] != evaluated.predictions["verdict"]).mean())
    test = table[table["split"] == "test"]
    overall = [part for part in slices(test, {}, temperature=calibration.temperature) if part.kind == "overall"]
    parts = [measure_slice(part, calibration.thresholds, config.evaluate, seed=config.seed) for part in overall]
    numbers = headline_numbers(Candidate("int8", calibration, table, parts))
    why = f"{told}; {changed:.1%} of the verdicts differ. Attributes and map were measured in float32."
    precision = Precision("int8", why, measured | {"verdicts_changed": round(changed, 5)})
    # Explanations were measured in float32, so the int8 model has no figures of them.
    own = {name: value for name, value in evaluated.metrics.items() if not name.startswith(("attribute_", "pointing_"))}
    return Served(precision, calibration.to_dict(), own | numbers)
