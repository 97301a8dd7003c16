"""Store the reference for the monitor, and compare the newest batch with the earlier ones."""

from pathlib import Path

from unmask.config import Config, stage


@stage
def main(config: Config) -> str:
    """Run the stage; returns its summary line."""
    from unmask.monitoring.batches import drift_of_batches

    return str(drift_of_batches(config, root=Path.cwd()))


if __name__ == "__main__":
    main()
