"""`python -m tests.retraining.drive`: a retrain in the current folder, its log on standard output."""

import sys
from pathlib import Path

from unmask.console import describe
from unmask.errors import UnmaskError
from unmask.retraining.run import run_retrain
from unmask.retraining.settings import RetrainSettings


def log(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        result = run_retrain(
            Path.cwd(), Path("var"), RetrainSettings(), reason="a test", log=log, approve=lambda *_: True
        )
    except (UnmaskError, OSError) as error:
        sys.exit(f"drive: error: {describe(error)}")
    log(f"END {result.challenge.outcome} {result.version} {result.summary}")
