"""The gate between data and training: a failed hard expectation stops the pipeline."""

from pathlib import Path

from unmask.config import Config, stage


@stage
def main(config: Config) -> str:
    """Run the stage; returns its summary line."""
    from unmask.data.audit.gate import GateSettings, run_gate
    from unmask.data.parallel import Workers
    from unmask.labels.graph import graph_by_name

    return run_gate(
        Path("build/dataset"),
        Path("build/expanded"),
        Path("build/validation"),
        baseline=Path("data.baseline.json"),
        settings=GateSettings(config.validate, config.assemble, config.seed, Workers.of(config.scale)),
        graph=graph_by_name(config.labels.graph, config.labels.allow_bare_root),
    )


if __name__ == "__main__":
    main()
