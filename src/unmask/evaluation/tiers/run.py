"""The tiers of a run of `evaluate`: chosen test rows, degraded before they are cropped, scored and measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from unmask.config import Config
from unmask.console import say
from unmask.data.parallel import Workers
from unmask.data.stills import Limits
from unmask.evaluation.measure import Candidate
from unmask.evaluation.predict import spec_of, target_device
from unmask.evaluation.tiers.measure import Row, measure_tiers
from unmask.evaluation.tiers.originals import choose, jobs_of
from unmask.evaluation.tiers.scoring import MISSING, Scorer, score
from unmask.evaluation.tiers.table import CLEAN, Degradation, degradations
from unmask.evaluation.tiers.worker import Degrader
from unmask.models.detector import load_detector
from unmask.serving.verdict import calibrate, verdicts

SCORES = ["image_id", "group", "label", "candidate", "name", "logit", "p_fake", "verdict"]


@dataclass(frozen=True)
class Tiered:
    """Rows of each candidate, the packaged one first; every score (SCORES); what could not be degraded, and why."""

    rows: Mapping[str, Sequence[Row]]
    scores: pd.DataFrame
    missing: pd.DataFrame

    @property
    def degraded(self) -> bool:
        """Whether any picture but a clean one was scored."""
        return any(
            row["name"] != CLEAN.name and row["n_real"] + row["n_fake"] for rows in self.rows.values() for row in rows
        )


def measure_all(
    config: Config, test: pd.DataFrame, candidates: Sequence[Candidate], *, models: Path, data: Path
) -> Tiered:
    """Degrade, score and measure manifest rows TEST, whose originals lie below DATA.

    Every candidate is scored on clean and the tiers, and the first, which is packaged, also on the sweeps.

    Raises:
        ConfigError: a setting of `evaluate.tiers` is out of its range.
        DataError: a model is missing, or memory ran out over a file.
    """
    settings = config.evaluate.tiers
    planned = {
        one.name: [each for each in degradations(settings) if number == 0 or each.sweep is None]
        for number, one in enumerate(candidates)
    }
    chosen = choose(test, settings.rows)
    scores, missing = _score(config, chosen, planned, models=models, data=data)
    labelled = scores.merge(chosen[["image_id", "group", "label"]], on="image_id", how="left", sort=False)
    tables = {one.name: _judged(labelled[labelled["candidate"] == one.name], one) for one in candidates}
    rows = {
        one.name: measure_tiers(
            tables[one.name],
            planned[one.name],
            one.calibration.thresholds,
            chosen=len(chosen),
            settings=config.evaluate,
            seed=config.seed,
        )
        for one in candidates
    }
    return Tiered(rows, pd.concat(tables.values(), ignore_index=True)[SCORES], missing)


def _score(
    config: Config, chosen: pd.DataFrame, planned: Mapping[str, Sequence[Degradation]], *, models: Path, data: Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    jobs, lost = jobs_of(chosen, data)
    device = target_device(config.scale.device)
    detectors = {name: load_detector(models / name).to(device).eval() for name in planned}
    specs = tuple(dict.fromkeys(spec_of(detector) for detector in detectors.values()))
    scorers = [
        Scorer(name, detector, device, frozenset(each.name for each in planned[name]), specs.index(spec_of(detector)))
        for name, detector in detectors.items()
    ]
    made = config.assemble
    limits = Limits(made.max_megapixels, made.max_megabytes, made.max_clip_megabytes, made.clip_frames)
    degrader = Degrader(
        degradations(config.evaluate.tiers), specs, limits, made.max_side_px, made.min_side_px, config.seed
    )
    scores, failed = score(jobs, degrader, scorers, Workers.of(config.scale))
    unread = pd.DataFrame([(image_id, CLEAN.name, reason) for image_id, reason in lost.items()], columns=MISSING)
    missing = pd.concat([unread, failed], ignore_index=True).sort_values(MISSING, ignore_index=True)
    _remark(missing, len(chosen))
    return scores, missing


def _judged(scores: pd.DataFrame, candidate: Candidate) -> pd.DataFrame:
    """With the calibrated probability and the verdict at the shipped thresholds."""
    p = calibrate(scores["logit"].to_numpy(dtype="float64"), candidate.calibration.temperature)
    return scores.assign(p_fake=p, verdict=verdicts(p, candidate.calibration.thresholds))


def _remark(missing: pd.DataFrame, count: int) -> None:
    gone = missing[missing["name"] == CLEAN.name]
    if len(gone):
        say(
            f"note: {len(gone):,} of {count:,} test crops could not be made from their originals again and are missing "
            f"from the tiers (first: {gone['reason'].iloc[0]}); tiers_missing.csv lists them"
        )
