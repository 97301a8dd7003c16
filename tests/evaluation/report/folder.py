"""A finished evaluation folder without a network: synthetic predictions, measured and written as evaluate does."""

import base64
import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from tests.evaluation.synthetic import judge, make_predictions
from unmask.config import Evaluate
from unmask.data.tables import write_table
from unmask.evaluation.gaps import domain_gaps, domain_table
from unmask.evaluation.measure import Candidate, generator_rows, reliability_table, roc_table
from unmask.evaluation.record import (
    SCHEMA,
    Mistake,
    Run,
    Source,
    det_table,
    training_table,
    write_csv,
    write_mistakes,
    write_run,
)
from unmask.evaluation.reliability import with_intervals
from unmask.files import write_json

NUMBER = {"value": 0.9123, "low": 0.88, "high": 0.95}
NOTHING = {"value": None, "low": None, "high": None, "reason": "only 0 intact"}
POINTED = dict.fromkeys(("hit", "chance", "centre", "above_chance", "above_centre"), NUMBER)
EXPLAINED = {
    "attributes": [{"label": "fake", "all": NUMBER, "fakes": None}, {"label": "lip", "all": NUMBER, "fakes": NOTHING}],
    "pointing": {
        "tolerance": 0.03,
        "cut_off": 3,
        "everywhere": 0,
        "rows": [{"name": "all", "fakes": 60, **POINTED, "hit": NUMBER | {"value": 0.777}}],
    },
}
SHORTCUT = [{"source": "s0", "generator": "swap", "auc": 0.61}, {"source": "s0", "generator": "warp", "auc": 0.99}]
# sweep -> strengths and how far each harms, 0 to 1
SWEEPS = {
    "jpeg": ((20, 40, 60, 80, 95), (1.0, 0.5, 0.3, 0.15, 0.05)),
    "webp": ((20, 40, 60, 80, 95), (0.9, 0.5, 0.35, 0.2, 0.1)),
    "scale": ((0.25, 0.5, 0.75), (1.0, 0.4, 0.1)),
    "blur": ((0.5, 1, 2), (0.1, 0.4, 0.9)),
    "noise": ((0.01, 0.02, 0.05), (0.1, 0.3, 0.8)),
    "crop": ((0.7, 0.8, 0.9), (0.4, 0.2, 0.1)),
    "screenshot": ((0.75, 1.5), (0.3, 0.1)),
}


def picture(colour: tuple[int, int, int] = (200, 30, 90)) -> str:
    stream = io.BytesIO()
    Image.new("RGB", (144, 144), colour).save(stream, "JPEG")
    return base64.b64encode(stream.getvalue()).decode()


def mistake(label: str, **changes: object) -> Mistake:
    told = {"image_id": "00ff", "label": label, "source": "s0", "generator": "swap", "p_fake": 0.03, "verdict": "real"}
    said = {"sentence": "no alteration found", "picture": picture(), "overlay": picture((90, 90, 90))}
    return Mistake(**(told | said | changes))  # type: ignore[arg-type]


def tier_rows(auc: float = 0.94) -> list[dict]:
    """Rows of tiers.json that fall from AUC as a degradation gets harder."""

    def rate(value: float) -> dict:
        ends = {"low": max(0.0, round(value - 0.02, 5)), "high": min(1.0, round(value + 0.02, 5))}
        return {"value": round(value, 5), **ends, "n_real": 120, "n_fake": 90}

    def row(name: str, harm: float, sweep: str | None = None, x: float | None = None) -> dict:
        numbers = {"auc": rate(auc - 0.3 * harm), "fpr": rate(0.02 + 0.1 * harm), "recall": rate(0.7 - 0.4 * harm)}
        counted = {"n_real": 120, "n_fake": 90, "missing": 0}
        return {
            "name": name,
            "sweep": sweep,
            "x": x,
            **counted,
            **numbers,
            "flip": rate(0.4 * harm),
            "reversal": rate(0.05 * harm),
        }

    points = [
        row(f"{name} {x:g}", harm, name, x) for name, each in SWEEPS.items() for x, harm in zip(*each, strict=True)
    ]
    return [row("clean", 0.0), row("web", 0.25), row("hard", 0.8), *points]


def coverage_rows(name: str) -> pd.DataFrame:
    coverage = np.linspace(0.3, 1.0, 8)
    error = 0.01 + 0.12 * (coverage - 0.3) ** 2
    ends = {"low": (error - 0.008).clip(0), "high": error + 0.012}
    return pd.DataFrame({"candidate": name, "coverage": coverage, "error": error, **ends}).round(5)


def checks(test: dict | None = None, *, held: bool = True) -> dict:
    found = test or {"value": 0.015, "low": 0.004, "high": 0.034, "n_real": 120, "n_fake": 90}
    return {side: {"meant": 0.02, "promised": 0.042, "test": found, "held": held} for side in ("fake", "real")}


def judged(settings: Evaluate, frame: pd.DataFrame | None = None) -> list[Candidate]:
    frames = [make_predictions(seed) if frame is None else frame for seed in range(2)]
    return [judge(name, each, settings) for name, each in zip(("student", "teacher"), frames, strict=True)]


def run_of(candidates: list[Candidate], settings: Evaluate, **changes: object) -> Run:
    values = {
        "schema": SCHEMA,
        "candidates": [one.name for one in candidates],
        "note": "",
        "confidence": settings.confidence,
        "bootstrap": settings.bootstrap,
        "shortcut": {"pooled": 0.64, "with_chroma": 0.83},
        "failed_soft": [],
        "unknown": ["the moon"],
        "data_md5": "0123456789abcdef.dir",
        "sources": [Source("s0", 60, 70, 5, 60, 30)],
        "params_sha": "abcdefabcdef",
        "method": "full",
        "seed": 7,
        "revision": "fedcba987654",
        "models": {one.name: "a" * 64 for one in candidates},
    }
    return Run(**(values | changes))  # type: ignore[arg-type]


def write_evaluation(folder: Path, candidates: list[Candidate], settings: Evaluate, **changes: object) -> Path:
    """Write all that the report must have, and nothing that it can do without; CHANGES are fields of run.json."""
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "predictions.parquet", pd.concat([one.predictions for one in candidates], ignore_index=True))
    write_json(folder / "calibration.json", {one.name: one.calibration.to_dict() for one in candidates})
    write_json(folder / "slices.json", {one.name: list(one.measured) for one in candidates})
    write_json(folder / "generators.json", generator_rows(candidates, SHORTCUT))
    write_json(folder / "explanations.json", {one.name: EXPLAINED for one in candidates})
    write_json(folder / "gaps.json", {one.name: domain_gaps(one, settings=settings, seed=0) for one in candidates})
    write_mistakes(folder / "mistakes.json", {"real": [], "fake": [mistake("fake")]})
    write_csv(folder / "roc.csv", roc_table(candidates))
    write_csv(folder / "det.csv", det_table(candidates))
    write_csv(folder / "domains.csv", domain_table(candidates))
    write_csv(folder / "reliability.csv", with_intervals(reliability_table(candidates), candidates, settings, seed=0))
    write_csv(folder / "training.csv", training_table({}))
    write_run(folder, run_of(candidates, settings, **changes))
    return folder


def add_the_rest(folder: Path, candidates: list[Candidate]) -> None:
    """Write what other steps may leave: tiers, coverage, training curves, promises held against test rows."""
    names = [one.name for one in candidates]
    write_json(folder / "tiers.json", {name: tier_rows(0.94 - 0.02 * place) for place, name in enumerate(names)})
    write_csv(folder / "coverage.csv", pd.concat([coverage_rows(name) for name in names]))
    write_json(
        folder / "calibration.json", {one.name: one.calibration.to_dict() | {"check": checks()} for one in candidates}
    )
    epochs = pd.DataFrame({"epoch": range(5), "loss": [1.0, 0.6, 0.4, 0.3, 0.25], "validation_auc": 0.9})
    write_csv(folder / "training.csv", pd.concat([epochs.assign(candidate=name) for name in names]))
