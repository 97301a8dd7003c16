"""The evaluate stage's work: score, calibrate on validation rows, measure on test rows, report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from unmask.config import Config
from unmask.data.manifest import SAMPLE_SOURCE, read_manifest
from unmask.data.tables import read_table, write_table
from unmask.errors import DataError
from unmask.evaluation.explaining import Sources, explanations, headline_explanations
from unmask.evaluation.gaps import domain_gaps, domain_table
from unmask.evaluation.gate import Shortcut, read_shortcut, soft_failures
from unmask.evaluation.headline import TITLES
from unmask.evaluation.measure import (
    Candidate,
    calibrated,
    generator_rows,
    generator_table,
    headline_numbers,
    measure,
    reliability_table,
    roc_table,
)
from unmask.evaluation.predict import Predicted, predict
from unmask.evaluation.promises import check_promises
from unmask.evaluation.provenance import data_md5, git_revision, params_sha
from unmask.evaluation.record import (
    SCHEMA,
    Run,
    det_table,
    sources_of,
    training_table,
    write_csv,
    write_mistakes,
    write_run,
)
from unmask.evaluation.regression import read_regression, score_regression
from unmask.evaluation.reliability import with_intervals
from unmask.evaluation.report.page import write_report
from unmask.evaluation.risk_coverage import coverage_table
from unmask.evaluation.settings import check_settings
from unmask.evaluation.slices import References
from unmask.evaluation.tiers.run import Tiered, measure_all
from unmask.evaluation.tiers.tables import write_tiers
from unmask.evaluation.unknowns import unknowns
from unmask.evaluation.worst import worst_mistakes
from unmask.files import read_json, sha256_of, write_json
from unmask.labels.explanation import best_altered_state
from unmask.labels.graph import LabelGraph
from unmask.models.detector import CHAMPION, DESCRIPTION, WEIGHTS, Detector, load_detector

CANDIDATES = ("student", "teacher")
KEPT = ["image_id", "split", "source", "batch", "generator", "label", "group", "domain", "seen", "clip"]
SAMPLE_NOTE = "smoke test on the drawn sample; says nothing about real deepfakes"
MIXED_NOTE = (
    "the drawn sample is among the data; only the numbers of the other sources say something about real deepfakes"
)


@dataclass(frozen=True)
class Inputs:
    """Where the earlier stages wrote."""

    dataset: Path = Path("build/dataset")
    expanded: Path = Path("build/expanded")
    validation: Path = Path("build/validation")
    models: Path = Path("build")
    data: Path = Path("data.dvc")
    originals: Path = Path("data")
    regression: Path = Path("regression.csv")


@dataclass(frozen=True)
class Judged:
    """All candidates measured, the packaged one first, with the shortcut audit beside them."""

    manifest: pd.DataFrame
    candidates: Sequence[Candidate]
    graph: LabelGraph
    generators: Sequence[dict[str, Any]]
    shortcut: Shortcut
    explanations: Mapping[str, dict[str, Any]]
    tiers: Tiered
    regression: Mapping[str, list[dict[str, Any]]]

    @property
    def note(self) -> str:
        """What the sample that ships with the project means for the numbers; empty where it is not among the data."""
        sources = set(self.manifest["source"])
        if SAMPLE_SOURCE not in sources:
            return ""
        return SAMPLE_NOTE if sources == {SAMPLE_SOURCE} else MIXED_NOTE


def evaluate(config: Config, inputs: Inputs, *, out: Path) -> str:
    """Score both candidates and write OUT/evaluation, OUT/metrics.json and OUT/headline.json; returns the summary."""
    judged = judge(config, inputs)
    folder = out / "evaluation"
    _write_tables(folder, judged, config)
    metrics = headline(judged, config, inputs)
    write_json(out / "metrics.json", metrics)
    write_json(out / "headline.json", bare_numbers(metrics))
    _write_evidence(folder, judged, config, inputs)
    write_run(folder, _run(judged, metrics, config, inputs))
    write_report(folder, folder / "report.html")
    packaged = judged.candidates[0]
    return f"{len(packaged.test):,} test crops, {packaged.name} {_auc(packaged, 'seen')}, {_auc(packaged, 'unseen')}"


def judge(config: Config, inputs: Inputs) -> Judged:
    """Score, calibrate and measure every candidate on the same rows."""
    check_settings(config.evaluate)
    manifest = read_manifest(inputs.dataset / "manifest.parquet")
    rows = scored_rows(manifest)
    packaged = config.package.candidate
    shortcut = read_shortcut(inputs.validation / "shortcut.json")
    references = {(row["source"], row["generator"]): row["reference"] for row in shortcut.rows}
    keys, sources = manifest.set_index("image_id")["key"], Sources(inputs.dataset, inputs.expanded)
    listed = read_regression(inputs.regression)
    candidates, graphs, explained, regression = [], {}, {}, {}
    for name in sorted(CANDIDATES, key=lambda name: name != packaged):
        detector = load_detector(inputs.models / name)
        candidate = _judge(name, detector, rows, references, config=config, dataset=inputs.dataset)
        graphs[name] = detector.graph
        explained[name] = explanations(detector, candidate.predictions, keys, sources, config=config)
        regression[name] = score_regression(
            listed,
            detector,
            inputs.dataset,
            temperature=candidate.calibration.temperature,
            thresholds=candidate.calibration.thresholds,
            config=config,
        )
        if name != packaged:
            candidate = replace(candidate, predictions=candidate.predictions.assign(embedding=None))
        candidates.append(candidate)
    generators = generator_rows(candidates, shortcut.rows)
    test = rows[rows["split"] == "test"]
    tiers = measure_all(config, test, candidates, models=inputs.models, data=inputs.originals)
    return Judged(manifest, candidates, graphs[packaged], generators, shortcut, explained, tiers, regression)


def scored_rows(manifest: pd.DataFrame) -> pd.DataFrame:
    """Labelled rows of val and test; `seen` says whether training or validation had any fake of that generator.

    Fakes whose label is hidden count too: the encoder and the student learn from their pixels.

    Raises:
        DataError: one of the splits has no such row.
    """
    has_label = manifest["labelled"].astype(bool) & manifest["label"].isin(["real", "fake"])
    learnt = manifest[manifest["split"].isin(["train", "val"]) & (manifest["label"] == "fake")]
    rows = manifest[has_label & manifest["split"].isin(["val", "test"])].reset_index(drop=True)
    for split in ("val", "test"):
        if not (rows["split"] == split).any():
            raise DataError(
                f"build/dataset/manifest.parquet: no labelled row in {split}; raise assemble.{split}_fraction"
            )
    return rows.assign(seen=(rows["label"] == "real") | rows["generator"].isin(learnt["generator"].unique()))


def _judge(
    name: str, detector: Detector, rows: pd.DataFrame, references: References, *, config: Config, dataset: Path
) -> Candidate:
    """Score, calibrate and measure one candidate."""
    predicted = predict(
        detector,
        rows["key"].tolist(),
        dataset,
        device=config.scale.device,
        workers=config.scale.workers,
        what=name,
    )
    table = _table(name, rows, predicted, detector.graph)
    table, calibration = calibrated(table, config.evaluate)
    return measure(name, table, calibration, settings=config.evaluate, references=references, seed=config.seed)


def _table(name: str, rows: pd.DataFrame, predicted: Predicted, graph: LabelGraph) -> pd.DataFrame:
    states = [best_altered_state(scores, graph).tolist() for scores in predicted.scores]
    columns: dict[str, Any] = {
        "logit": predicted.logit,
        "marginals": list(predicted.marginals),
        "state": states,
        "embedding": list(predicted.embedding),
    }
    return rows[KEPT].assign(candidate=name, **columns)


def _write_tables(folder: Path, judged: Judged, config: Config) -> None:
    candidates = judged.candidates
    write_table(folder / "predictions.parquet", pd.concat([one.predictions for one in candidates], ignore_index=True))
    write_json(folder / "calibration.json", {one.name: _calibration(one) for one in candidates})
    write_json(folder / "slices.json", {one.name: list(one.measured) for one in candidates})
    write_json(folder / "generators.json", list(judged.generators))
    write_json(folder / "explanations.json", dict(judged.explanations))
    write_tiers(folder, judged.tiers)
    write_json(folder / "regression.json", dict(judged.regression))
    tables = {
        "roc.csv": roc_table(candidates),
        "reliability.csv": with_intervals(reliability_table(candidates), candidates, config.evaluate, seed=config.seed),
        "coverage.csv": coverage_table(candidates, config.evaluate, seed=config.seed),
        "generators.csv": generator_table(judged.generators, candidates),
        "det.csv": det_table(candidates),
        "domains.csv": domain_table(candidates),
    }
    for name, table in tables.items():
        write_csv(folder / name, table)


def _calibration(candidate: Candidate) -> dict[str, Any]:
    """What calibration.json holds of a candidate: `check` holds its promises against test rows."""
    seen = candidate.find("seen") or {"metrics": {}}
    return candidate.calibration.to_dict() | {"check": check_promises(candidate.calibration, seen["metrics"])}


def headline(judged: Judged, config: Config, inputs: Inputs) -> dict[str, Any]:
    """What build/metrics.json holds: a few numbers of each candidate with intervals, and what they were measured on."""
    return {
        "note": judged.note,
        "data_md5": data_md5(inputs.data),
        "params_sha": params_sha(config),
        "shortcut": {"pooled": judged.shortcut.pooled, "with_chroma": judged.shortcut.with_chroma},
        **{
            one.name: headline_numbers(one) | headline_explanations(judged.explanations[one.name])
            for one in judged.candidates
        },
    }


def bare_numbers(metrics: dict[str, Any]) -> dict[str, Any]:
    """The headline values alone, for `dvc metrics show`: with intervals its one line would have some eighty columns."""
    bare = {name: {key: metrics[name][key]["value"] for key in TITLES if key in metrics[name]} for name in CANDIDATES}
    simple = metrics["shortcut"]
    return {**bare, "shortcut": {"auc": simple["pooled"], "auc_with_chroma": simple["with_chroma"]}}


def _write_evidence(folder: Path, judged: Judged, config: Config, inputs: Inputs) -> None:
    """What only the report shows: gaps between domains, the worst mistakes, training curves."""
    gaps = {one.name: domain_gaps(one, settings=config.evaluate, seed=config.seed) for one in judged.candidates}
    write_json(folder / "gaps.json", gaps)
    packaged = judged.candidates[0]
    mistakes = worst_mistakes(
        load_detector(inputs.models / packaged.name),
        packaged.test,
        judged.manifest.set_index("image_id")["key"],
        inputs.dataset,
        count=config.evaluate.worst,
        device=config.scale.device,
    )
    write_mistakes(folder / "mistakes.json", mistakes)
    histories = {one.name: inputs.models / one.name / "history.csv" for one in judged.candidates}
    write_csv(folder / "training.csv", training_table(histories))


def _run(judged: Judged, metrics: dict[str, Any], config: Config, inputs: Inputs) -> Run:
    packaged, names = judged.candidates[0], [one.name for one in judged.candidates]
    unknown = unknowns(
        judged.manifest,
        packaged,
        judged.generators,
        quarantined=_quarantined(inputs.dataset),
        tiers=judged.tiers.degraded,
        went_on_from=read_json(inputs.models / packaged.name / DESCRIPTION)["extra"].get(CHAMPION, ""),
    )
    return Run(
        schema=SCHEMA,
        candidates=names,
        note=judged.note,
        confidence=config.evaluate.confidence,
        bootstrap=config.evaluate.bootstrap,
        shortcut=metrics["shortcut"],
        failed_soft=soft_failures(inputs.validation / "validation.json"),
        unknown=unknown,
        data_md5=metrics["data_md5"],
        sources=sources_of(judged.manifest),
        params_sha=metrics["params_sha"],
        method=config.method,
        seed=config.seed,
        revision=git_revision(Path.cwd()),
        models={name: sha256_of(inputs.models / name / WEIGHTS) for name in names},
    )


def _quarantined(dataset: Path) -> int:
    """Files that gave no crop."""
    path = dataset / "quarantine.parquet"
    if not path.is_file():
        return 0
    listed = read_table(path, ["source", "path", "used"])
    return len(listed[~listed["used"]].drop_duplicates(["source", "path"]))


def _auc(candidate: Candidate, part: str) -> str:
    row = candidate.find(part)
    number = row["metrics"].get("auc", {}) if row else {}
    if number.get("value") is None:
        return f"{part} AUC unknown"
    return f"{part} AUC {number['value']:.3f} ({number['low']:.3f} to {number['high']:.3f})"
