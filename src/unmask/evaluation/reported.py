"""What a detector says of one reported mistake: right unless the verdict is the wrong one (NumPy only)."""

from collections.abc import Sequence
from typing import Any

from unmask.serving.verdict import Thresholds, calibrate, verdict

NO_CROP = "it gave no crop: ingest it, name the file it is a copy of (duplicates.parquet), or see quarantine.parquet"


def judge_reported(
    sha256: str, label: str, *, splits: Sequence[str], logit: float | None, temperature: float, thresholds: Thresholds
) -> dict[str, Any]:
    """A row of regression.json; LOGIT is the file's log-odds of fake, None where it gave no crop."""
    row: dict[str, Any] = {"sha256": sha256, "label": label, "splits": list(splits), "logit": logit}
    if logit is None:
        return row | {"p_fake": None, "verdict": None, "passed": False, "reason": NO_CROP}
    p_fake = calibrate(logit, temperature)
    said = verdict(p_fake, thresholds)
    passed = said in {label, "uncertain"}
    reason = "" if passed else f"{label}, yet the verdict is {said}"
    return row | {"p_fake": round(p_fake, 6), "verdict": said, "passed": passed, "reason": reason}
