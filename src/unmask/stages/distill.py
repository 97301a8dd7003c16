"""Stage `distill`: the compact student from labelled and unlabelled crops (SCL-KD, stage 3)."""

from pathlib import Path

from unmask.config import Config, stage


@stage
def main(config: Config) -> str:
    """Write build/student: model.safetensors, model.json, metrics.json, history.csv, steps.jsonl."""
    from unmask.training.champion import FOLDER
    from unmask.training.distill import distill
    from unmask.training.folders import Folders

    return distill(config, Folders(champion=FOLDER), out=Path("build/student"))


if __name__ == "__main__":
    main()
