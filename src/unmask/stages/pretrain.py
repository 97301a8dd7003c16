"""Stage `pretrain`: momentum contrast on every training crop, labels unused (SCL-KD, stage 1)."""

from pathlib import Path

from unmask.config import Config, stage


@stage
def main(config: Config) -> str:
    """Write build/pretrain: encoder.safetensors, pretrain.json, history.csv, steps.jsonl."""
    from unmask.training.champion import FOLDER
    from unmask.training.folders import Folders
    from unmask.training.pretrain import pretrain

    return pretrain(config, Folders(champion=FOLDER), out=Path("build/pretrain"))


if __name__ == "__main__":
    main()
