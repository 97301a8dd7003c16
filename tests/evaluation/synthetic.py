"""Predictions without a network."""

import numpy as np
import pandas as pd

from unmask.config import Evaluate
from unmask.evaluation.measure import Candidate, calibrated, measure

GENERATORS = {"swap": (2.5, True), "region": (1.8, True), "warp": (1.0, False)}


def make_predictions(seed: int = 0, *, groups: int = 240, clips: bool = False) -> pd.DataFrame:
    """Predictions before calibration: one real and one fake a group, val and test, one generator unseen."""
    generator = np.random.default_rng(seed)
    rows = []
    names = list(GENERATORS)
    for group in range(groups):
        split = "val" if group % 2 else "test"
        made_by = names[group % 3]
        shift, seen = GENERATORS[made_by]
        if split == "val" and not seen:
            made_by, (shift, seen) = "swap", GENERATORS["swap"]
        base = {"split": split, "source": f"s{group % 2}", "group": f"g{group:04d}", "domain": f"d{group % 4}"}
        base |= {"batch": "b1", "clip": f"c{group // 3}" if clips else ""}
        real, fake = generator.normal(-1.5), generator.normal(-1.5 + 2 * shift)
        rows.append({**base, "label": "real", "generator": "camera", "seen": True, "logit": real})
        rows.append({**base, "label": "fake", "generator": made_by, "seen": seen, "logit": fake})
    frame = pd.DataFrame(rows)
    return frame.assign(image_id=[f"{index:016x}" for index in range(len(frame))])


def judge(name: str, frame: pd.DataFrame, settings: Evaluate) -> Candidate:
    """Calibrate and measure predictions."""
    frame, calibration = calibrated(frame.assign(candidate=name), settings)
    return measure(name, frame, calibration, settings=settings, references={}, seed=0)
