"""How far explanations can be trusted: attribute AUC of each label, and the pointing game of the activation map."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from unmask.config import Config, Evaluate
from unmask.data.forging.masks import MASKS_SCHEMA
from unmask.data.tables import read_typed
from unmask.evaluation.attributes import MEAN, attribute_aucs, label_vectors, number
from unmask.evaluation.bootstrap import (
    Floats,
    Independent,
    Interval,
    Weights,
    bounded_interval,
    group_codes,
    percentiles,
    resampled,
)
from unmask.evaluation.numbers import MIN_ROWS
from unmask.evaluation.pointing import TOLERANCE, counted, play
from unmask.models.detector import Detector

EVERY = "all"
# name in build/metrics.json -> measure of the pointing game
_COLUMNS = {"hit": "hit", "chance": "share", "centre": "centre"}
POINTING = {"pointing_hit": "hit", "pointing_chance": "chance", "pointing_centre": "centre"}


@dataclass(frozen=True)
class Sources:
    """Where crops (build/dataset) and label vectors and masks (build/expanded) lie."""

    dataset: Path
    expanded: Path


def explanations(
    detector: Detector, predictions: pd.DataFrame, keys: pd.Series, sources: Sources, *, config: Config
) -> dict[str, Any]:
    """What a candidate's explanations are worth on its test rows, JSON-ready: `attributes` and `pointing`.

    PREDICTIONS are the candidate's, KEYS maps image_id to the crop's shard key. `attributes` are rows of
    `attribute_aucs`; `pointing` has the numbers of all masked test fakes and of each generator: `hit`, what a random
    place (`chance`) and the crop's centre (`centre`) reach on the same rows, and by how much the map is better.

    Raises:
        DataError: labels or masks are missing or damaged, or a row has no label vector.
    """
    test = predictions[predictions["split"] == "test"].reset_index(drop=True)
    target, known = label_vectors(test, sources.expanded / "labels.parquet")
    names = list(detector.graph.names)
    # A detector without attributes knows the root alone, whatever the label vectors hold.
    target, known = target[:, : len(names)], known[:, : len(names)]
    aucs = attribute_aucs(test, names=names, target=target, known=known, settings=config.evaluate, seed=config.seed)
    played = play(
        detector,
        masked_fakes(test, keys, sources.expanded),
        dataset=sources.dataset,
        expanded=sources.expanded,
        device=config.scale.device,
        workers=config.scale.workers,
        what=str(test["candidate"].iloc[0]),
    )
    return {"attributes": aucs, "pointing": pointing_numbers(played, config.evaluate, seed=config.seed)}


def masked_fakes(test: pd.DataFrame, keys: pd.Series, expanded: Path) -> pd.DataFrame:
    """Test fakes with a mask: image_id, generator, group, key, mask_key and mask_kind."""
    masks = read_typed(expanded / "masks.parquet", MASKS_SCHEMA, remedy="run `dvc repro expand`")
    fakes = test.loc[test["label"] == "fake", ["image_id", "source", "generator", "group"]]
    found = fakes.merge(masks.rename(columns={"kind": "mask_kind"}), on="image_id", validate="one_to_one")
    return found.assign(key=keys.reindex(found["image_id"]).to_numpy())


def pointing_numbers(played: pd.DataFrame, settings: Evaluate, *, seed: int) -> dict[str, Any]:
    """Rates of all rounds and of each generator, with what was left out and why."""
    kept = played[played["outcome"] == "played"]
    slices = [(EVERY, kept), *((str(name), rows) for name, rows in kept.groupby("generator", sort=True))]
    return {
        "tolerance": TOLERANCE,
        "cut_off": counted(played, ["cut off"]),
        "everywhere": counted(played, ["everywhere"]),
        "rows": [{"name": name, "fakes": len(rows)} | _rates(rows, settings, seed) for name, rows in slices],
    }


def _rates(rows: pd.DataFrame, settings: Evaluate, seed: int) -> dict[str, Any]:
    groups = group_codes(rows["group"])
    columns = {name: rows[column].to_numpy(dtype=np.float64) for name, column in _COLUMNS.items()}
    if len(rows) < MIN_ROWS or len(np.unique(groups)) < 2:
        nothing = number(None, None, f"only {len(rows)} fakes of {len(np.unique(groups))} groups")
        return dict.fromkeys((*columns, "above_chance", "above_centre"), nothing)

    def measure(weights: Weights) -> dict[str, Floats]:
        mean = {name: weights @ values / weights.sum(axis=-1) for name, values in columns.items()}
        return mean | {f"above_{name}": mean["hit"] - mean[name] for name in ("chance", "centre")}

    values = {name: float(found[0]) for name, found in measure(np.ones((1, len(rows)))).items()}
    drawn = resampled(measure, groups, resamples=settings.bootstrap, seed=seed)
    independent = Independent.of_one_class(groups)
    intervals = {
        name: bounded_interval(values[name], drawn[name], independent, settings.confidence) for name in columns
    }
    intervals |= {name: percentiles(drawn[name], settings.confidence) for name in drawn if name not in columns}
    for name in ("chance", "centre"):
        if {values["hit"], values[name]} & {0.0, 1.0}:
            intervals[f"above_{name}"] = _difference(intervals["hit"], intervals[name])
    return {name: number(value, intervals[name], "") for name, value in values.items()}


def _difference(hit: Interval | None, other: Interval | None) -> Interval | None:
    """Where a rate is 0 or 1 no resample of the difference differs: from end to end of both rates, which is safe."""
    return None if hit is None or other is None else (hit[0] - other[1], hit[1] - other[0])


def headline_explanations(found: dict[str, Any]) -> dict[str, Any]:
    """The few numbers that build/metrics.json holds of one candidate's explanations, with the rows they rest on."""
    every = next(row for row in found["pointing"]["rows"] if row["name"] == EVERY)
    mean = next(row["fakes"] for row in found["attributes"] if row["label"] == MEAN)
    fakes = {"n_real": 0, "n_fake": mean["rows"]}
    pointed = {name: every[measure] | {"n_real": 0, "n_fake": every["fakes"]} for name, measure in POINTING.items()}
    return {"attribute_auc": mean | fakes, **pointed}
