"""Stage assemble: data/ -> build/dataset."""

from pathlib import Path

from unmask.config import Config, stage


@stage
def main(config: Config) -> str:
    """Crop, hash, group and split every picture of data/."""
    from unmask.data.assemble import assemble
    from unmask.data.parallel import Workers

    return assemble(
        Path("data"),
        Path("build/dataset"),
        settings=config.assemble,
        seed=config.seed,
        workers=Workers.of(config.scale),
    )


if __name__ == "__main__":
    main()
