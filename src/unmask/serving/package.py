"""The package stage's work: a candidate as a bundle with its release card, and as a Bento."""

import dataclasses
import shutil
import statistics
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from unmask.config import Config
from unmask.data.decode import decode_image
from unmask.data.manifest import read_manifest
from unmask.data.preprocess import PreprocessSpec, crop
from unmask.data.shards import ShardReader
from unmask.data.tables import read_table
from unmask.errors import ConfigError, DataError
from unmask.evaluation.predict import spec_of
from unmask.evaluation.provenance import git_revision
from unmask.evaluation.report.evidence import read_evidence
from unmask.files import read_json
from unmask.labels.prompts import prompts
from unmask.models import detector as models
from unmask.models.detector import Detector, load_detector
from unmask.models.export import ExportModule
from unmask.serving.bento import build_bento
from unmask.serving.build import describe, draw_pictures, folder_in_place, score_pictures
from unmask.serving.bundle import (
    MODEL,
    SCHEMA,
    WEIGHTS,
    Bundle,
    Calibration,
    DataIdentity,
    Graph,
    Preprocessing,
    SelfTest,
)
from unmask.serving.details import card_details
from unmask.serving.export import check_same, export_onnx, onnx_logits
from unmask.serving.latency import latencies_ms
from unmask.serving.precision import Evaluated, Served, choose_precision
from unmask.serving.runtime import Runtime, prepare
from unmask.serving.verdict import Thresholds

CANDIDATES = ("student", "teacher")


def package(config: Config, *, root: Path) -> str:
    """Write build/package below ROOT: bundle/ and unmask.bento; returns the summary.

    Raises:
        ConfigError: package.candidate is none of CANDIDATES.
        UnmaskError: what an earlier stage wrote is missing or damaged, or ONNX and torch disagree.
    """
    candidate, build = config.package.candidate, root / "build"
    if candidate not in CANDIDATES:
        raise ConfigError(f"params.yaml: package.candidate: {candidate!r} is none of {', '.join(CANDIDATES)}")
    detector = load_detector(build / candidate)
    spec, evaluated = spec_of(detector), _evaluated(build, candidate)
    crops = _test_crops(build / "dataset", spec, count=config.package.self_test_rows)
    target = build / "package/bundle"
    with folder_in_place(target) as folder:
        export_onnx(ExportModule(detector), folder / MODEL, size_px=spec.size_px)
        difference = check_same(detector, folder / MODEL, crops)
        served = choose_precision(folder / MODEL, evaluated, dataset=build / "dataset", spec=spec, config=config)
        shutil.copyfile(build / candidate / models.WEIGHTS, folder / WEIGHTS)
        details = card_details(
            read_evidence(build / "evaluation"), candidate, config.package.licences, served=served.precision.served
        )
        bundle = describe(folder, _bundle(config, detector, served, folder=folder, root=root), details)
        latency = statistics.median(latencies_ms(Runtime(folder, threads=1), crops))
    size = sum(path.stat().st_size for path in target.iterdir())
    build_bento(root, version=bundle.version, target=build / "package/unmask.bento")
    return (
        f"{candidate} {bundle.version}, {served.precision.served}, bundle {size / 1e6:.1f} MB, "
        f"float32 ONNX against torch at most {difference:.1g} apart, {latency:.1f} ms a crop on one core"
    )


def _evaluated(build: Path, candidate: str) -> Evaluated:
    """What the evaluate stage says of the candidate."""
    measured, paths = read_json(build / "metrics.json"), build / "evaluation"
    calibrations = read_json(paths / "calibration.json")
    try:
        metrics = measured[candidate] | {"shortcut_auc": {"value": measured["shortcut"]["pooled"]}}
    except (KeyError, TypeError) as error:
        raise DataError(f"{build / 'metrics.json'}: has no {error}; run `dvc repro evaluate`") from None
    if not isinstance(calibrations, dict) or candidate not in calibrations:
        raise DataError(f"{paths / 'calibration.json'}: has no {candidate!r}; run `dvc repro evaluate`")
    rows = read_table(paths / "predictions.parquet")
    own = rows[rows["candidate"] == candidate].reset_index(drop=True)
    return Evaluated(own, calibrations[candidate], metrics)


def _test_crops(dataset: Path, spec: PreprocessSpec, *, count: int) -> npt.NDArray[np.uint8]:
    """Crops of the first test rows by id, uint8 (N, size, size, 3)."""
    rows = read_manifest(dataset / "manifest.parquet", columns=["image_id", "key", "split"])
    keys = rows[rows["split"] == "test"].sort_values("image_id")["key"].head(count)
    if keys.empty:
        raise DataError(
            f"{dataset / 'manifest.parquet'}: no test row to check the model with; raise assemble.test_fraction"
        )
    reader = ShardReader(dataset)
    return np.stack([crop(decode_image(reader.read(key)), spec) for key in keys])


def _bundle(config: Config, detector: Detector, served: Served, *, folder: Path, root: Path) -> Bundle:
    graph, build = detector.graph, root / "build"
    measured = read_json(build / "metrics.json")
    sources = read_manifest(build / "dataset/manifest.parquet", columns=["source"])["source"]
    try:
        data = DataIdentity(measured["data_md5"], sorted(sources.unique()), measured["note"])
    except KeyError as error:
        raise DataError(f"{build / 'metrics.json'}: has no {error}; run `dvc repro evaluate`") from None
    preprocessing = Preprocessing(
        **dataclasses.asdict(spec_of(detector)),
        max_side_px=config.assemble.max_side_px,
        min_side_px=config.assemble.min_side_px,
    )
    return Bundle(
        schema=SCHEMA,
        version="",
        candidate=cast("Literal['student', 'teacher']", config.package.candidate),
        revision=git_revision(root),
        preprocessing=preprocessing,
        graph=Graph(graph.key, graph.allow_bare_root, list(graph.names)),
        prompts=prompts(graph),
        precision=served.precision,
        calibration=_calibration(served.calibration, build / "evaluation/calibration.json"),
        metrics=served.metrics,
        data=data,
        params=_params(config),
        self_test=_self_test(config, folder / MODEL, preprocessing),
        files={},
    )


def _params(config: Config) -> dict[str, Any]:
    """All settings that can change a result."""
    settings = dataclasses.asdict(config)
    return {name: value for name, value in settings.items() if name not in {"scale", "promote", "serving"}}


def _calibration(fitted: dict[str, Any], path: Path) -> Calibration:
    try:
        return Calibration(
            temperature=float(fitted["temperature"]),
            thresholds=Thresholds.from_dict(fitted["thresholds"]),
            fake_promised=float(fitted["fake"]["promised"]),
            real_promised=float(fitted["real"]["promised"]),
            notes=list(fitted["notes"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: has no {error}; run `dvc repro evaluate`") from None


def _self_test(config: Config, model: Path, preprocessing: Preprocessing) -> list[SelfTest]:
    pictures = draw_pictures(
        config.package.self_test_rows,
        smallest=preprocessing.min_side_px,
        largest=preprocessing.max_side_px * 9 // 8,
        seed=config.seed,
    )
    logits = onnx_logits(model, [np.stack([prepare(picture, preprocessing) for picture in pictures])])
    return score_pictures(pictures, logits.tolist())
