"""Forge labelled training reals and write the label vectors of every visible row."""

from pathlib import Path

from unmask.config import Config, stage


@stage
def main(config: Config) -> str:
    """Run the stage; returns its summary line."""
    from unmask.data.expand import expand
    from unmask.data.parallel import Workers
    from unmask.labels.graph import graph_by_name

    return expand(
        Path("build/dataset"),
        Path("build/expanded"),
        settings=config.expand,
        graph=graph_by_name(config.labels.graph, config.labels.allow_bare_root),
        seed=config.seed,
        workers=Workers.of(config.scale),
    ).summary()


if __name__ == "__main__":
    main()
