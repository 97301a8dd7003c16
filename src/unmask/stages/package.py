"""Stage `package`: the chosen candidate as a bundle with its release card, and as a Bento."""

from pathlib import Path

from unmask.config import Config, stage


@stage
def main(config: Config) -> str:
    """Write build/package: bundle/ and unmask.bento."""
    from unmask.serving.package import package

    return package(config, root=Path())


if __name__ == "__main__":
    main()
