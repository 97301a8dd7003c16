"""What drifted, in words."""

import numpy as np

from unmask.monitoring.compare import DOMAIN, MMD, Compared, Finding, Sides
from unmask.monitoring.rows import QUALITY, SCORE, UNCERTAIN

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


def describe(finding: Finding, compared: Compared, sides: Sides) -> str:
    """One finding for a person: what moved, from where to where."""
    if finding.name == DOMAIN:
        auc = compared.domain
        return f"embeddings: AUC of telling them apart {auc.value:.2f} [{auc.low:.2f}, {auc.high:.2f}]"
    if finding.name == MMD:
        return f"embeddings: MMD {np.sqrt(2) * finding.observed:.3f} (p {finding.p_value:.3f} alone)"
    before, now = (rows.columns[finding.name].to_numpy() for rows in (sides.reference, sides.window))
    name = NAMES.get(finding.name, finding.name)
    if finding.name == UNCERTAIN:
        return f"{name}: {before.mean():.0%} to {now.mean():.0%}"
    middle, later = float(np.median(before)), float(np.median(now))
    if not np.isclose(middle, later, rtol=0.005, atol=1e-9):
        return f"{name}: median {middle:.3g} to {later:.3g}"
    if finding.moved == 0:
        return f"{name}: median {middle:.3g}"
    near, far = (float(np.mean(np.abs(side - middle))) for side in (before, now))
    return f"{name}: median {middle:.3g}, mean distance from it {near:.3g} to {far:.3g}"


def reason(compared: Compared, sentences: list[str], *, level: float) -> str:
    """Why there is an alarm or none, in one line; SENTENCES are of what drifted, strongest first.

    Attributes rise and fall together, so the strongest of each kind stands for its kind.
    """
    if compared.drifted:
        leading: dict[str, str] = {}
        for finding, sentence in zip(compared.drifted, sentences, strict=True):
            leading.setdefault(kind_of(finding.name), sentence)
        more = len(sentences) - len(leading)
        return f"{'; '.join(leading.values())}{f'; and {more} more' if more else ''} (p {compared.p_value:.3f})"
    if compared.p_value <= level:
        return f"what moved (p {compared.p_value:.3f}) is a trifle: under drift.min_moved of the pictures"
    return f"nothing beyond chance (p {compared.p_value:.2f}); under {compared.visible:.0%} moved could not be seen"


def kind_of(name: str) -> str:
    """What a finding is about: picture quality, score, attributes or embedding."""
    if name in QUALITY:
        return "quality"
    if name in (SCORE, UNCERTAIN):
        return "score"
    return "embedding" if name in (DOMAIN, MMD) else "attributes"
