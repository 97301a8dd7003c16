"""What drifted, in words."""

import numpy as np

from unmask.monitoring.compare import DOMAIN, MMD, Compared, Finding, Sides
from unmask.monitoring.rows import SCORE, UNCERTAIN

NAMES = {
    "sharpness": "sharpness",
    "brightness": "brightness",
    "picture_width": "width, px",
    "picture_height": "height, px",
    "jpeg_quality": "JPEG quality",
    "bytes_per_px": "bytes a pixel",
    SCORE: "probability of fake",
    UNCERTAIN: "uncertain verdicts",
}
NAMED = 3  # findings that a sentence names


def describe(finding: Finding, compared: Compared, sides: Sides) -> str:
    """One finding for a person: what moved, from where to where."""
    if finding.name == DOMAIN:
        auc = compared.domain
        return f"embeddings: a classifier tells them apart, AUC {auc.value:.2f} [{auc.low:.2f}, {auc.high:.2f}]"
    if finding.name == MMD:
        return f"embeddings: lie elsewhere, by MMD (p {finding.p_value:.3f})"
    before, now = (rows.columns[finding.name].to_numpy() for rows in (sides.reference, sides.window))
    name = NAMES.get(finding.name, finding.name)
    if finding.name == UNCERTAIN:
        return f"{name}: {before.mean():.0%} to {now.mean():.0%}"
    middle, later = float(np.median(before)), float(np.median(now))
    if np.isclose(middle, later, rtol=0.005, atol=1e-9):
        middle, later = (float(np.mean(np.abs(side - middle))) for side in (before, now))
        return f"{name}: same median, mean distance from it {middle:.3g} to {later:.3g}"
    return f"{name}: median {middle:.3g} to {later:.3g}"


def reason(compared: Compared, sentences: list[str], *, level: float) -> str:
    """Why there is an alarm or none, in one line; SENTENCES are of what drifted, strongest first."""
    if compared.drifted:
        more = len(sentences) - NAMED
        rest = f"; and {more} more" if more > 0 else ""
        return f"{'; '.join(sentences[:NAMED])}{rest} (p {compared.p_value:.3f})"
    if compared.p_value <= level:
        return f"what moved (p {compared.p_value:.3f}) is a trifle: under drift.min_moved of the pictures"
    return f"nothing beyond chance (p {compared.p_value:.2f}); under {compared.visible:.0%} moved could not be seen"
