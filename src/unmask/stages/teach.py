"""Stage `teach`: the teacher from few labels, on the pre-trained encoder (SCL-KD 2, SJEDD, SAGNet)."""

from pathlib import Path

from unmask.config import Config, stage


@stage
def main(config: Config) -> str:
    """Write build/teacher: model.safetensors, model.json, metrics.json, history.csv, steps.jsonl."""
    from unmask.training.champion import FOLDER
    from unmask.training.folders import Folders
    from unmask.training.teach import teach

    return teach(config, Folders(champion=FOLDER), out=Path("build/teacher"))


if __name__ == "__main__":
    main()
