"""Stage `evaluate`: candidates on the same test rows; predictions, calibration, metrics with intervals, one report."""

from pathlib import Path

from unmask.config import Config, stage


@stage
def main(config: Config) -> str:
    """Write build/evaluation, build/metrics.json and build/headline.json."""
    from unmask.evaluation.evaluate import Inputs, evaluate

    return evaluate(config, Inputs(), out=Path("build"))


if __name__ == "__main__":
    main()
