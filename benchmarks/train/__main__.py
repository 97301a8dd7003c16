"""Pictures a second of each training stage's loop against its floor, and what a bi-level step costs.

python -m benchmarks.train                           the encoders and batches of params.yaml, some two minutes
python -m benchmarks.train --only teach              one line; repeat the option for more
python -m benchmarks.train scale.precision=fp32      with other settings, as `python -m unmask.stages.teach` takes them
"""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.data.table import Row, as_markdown
from benchmarks.options import check_known
from benchmarks.train import bilevel, stages
from benchmarks.train.pace import loop_against_floor
from unmask.config import load_config
from unmask.console import say
from unmask.training.device import make_fabric

LINES = (*stages.STAGES, "bilevel")


def main(
    overrides: Annotated[list[str] | None, typer.Argument(help="Settings, as section.key=value.")] = None,
    only: Annotated[list[str] | None, typer.Option(help=f"Lines to measure, of {', '.join(LINES)}.")] = None,
    steps: Annotated[int, typer.Option(min=2, help="Steps a round.")] = 8,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each side, in turn; the median counts.")] = 5,
) -> None:
    """Print one table of ratios; nothing here is a test."""
    config = load_config(Path.cwd(), overrides or [])
    fabric = make_fabric(config.scale)
    check_known("--only", only, LINES)
    rows: list[Row] = []
    for name in only or LINES:
        say(f"measuring {name}")
        if name == "bilevel":
            rows += bilevel.cost(fabric, config, steps=steps, rounds=rounds)
        else:
            rows.append(loop_against_floor(name, fabric, config, steps=steps, rounds=rounds))
    print(as_markdown(rows))


if __name__ == "__main__":
    typer.run(main)
