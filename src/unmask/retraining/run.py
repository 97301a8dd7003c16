"""One retrain from the lock to the promoted model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unmask.retraining.challenge import Challenge, challenge
from unmask.retraining.lock import only_run
from unmask.retraining.publish import promote_challenger, share, stage_challenger
from unmask.retraining.settings import RetrainSettings
from unmask.retraining.tree import Log

Approve = Callable[[Challenge, str], bool]


@dataclass(frozen=True)
class Result:
    """What became of the challenger; `version` is "" where it was not registered, `promoted` whether it serves."""

    challenge: Challenge
    version: str
    promoted: bool
    summary: str


def run_retrain(
    root: Path, state: Path, settings: RetrainSettings, *, reason: str, log: Log, approve: Approve
) -> Result:
    """Train a challenger and promote it if it wins; APPROVE is asked with the challenge and its version, in staging.

    Raises:
        BusyError: another one is at work.
        UnmaskError, OSError: a step failed, or the disk is full; workspace and champion are as they were.
    """
    with only_run(state) as lock:
        found = challenge(root, state, settings, reason=reason, log=log, lock=lock)
        version, promoted, summary = "", False, found.summary
        if found.outcome == "promote":
            log("registering the challenger")
            version = stage_challenger(root, state, found, settings)
            log(f"{version} is in staging")
            promoted = approve(found, version)
            summary = f"{version} was not approved and stays in staging"
        if promoted:
            log(f"promoting {version}")
            summary = promote_challenger(root, state, version, found, settings)
            log(summary)
        log("sharing what was made")
        share(root, state, settings, log=log, lock=lock)
        return Result(found, version, promoted, summary)
