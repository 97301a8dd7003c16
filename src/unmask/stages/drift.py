"""Compare the newest batch with the earlier ones."""

from pathlib import Path

from unmask.config import Config, stage


@stage
def main(config: Config) -> str:
    """Run the stage; returns its summary line."""
    from unmask.labels.graph import graph_by_name
    from unmask.monitoring.drift import summary, write_drift_report
    from unmask.monitoring.reference import choose_sides

    comparison = choose_sides(
        data=Path("data"),
        dataset=Path("build/dataset"),
        predictions=Path("build/evaluation/predictions.parquet"),
        candidate=config.package.candidate,
        label_names=graph_by_name(config.labels.graph, config.labels.allow_bare_root).names,
        max_rows=config.drift.max_rows,
        seed=config.seed,
    )
    return summary(write_drift_report(comparison, Path("build/drift"), settings=config.drift, seed=config.seed))


if __name__ == "__main__":
    main()
