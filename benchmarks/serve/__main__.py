"""Requests a second and latencies of the service, against the bare model on the same cores and against plain services.

python -m benchmarks.serve                          after `dvc repro`, on an otherwise idle machine; some ten minutes
python -m benchmarks.serve --pictures FOLDER        photographs of faces in place of the sample's drawn ones
python -m benchmarks.serve --soak 100000            only: does memory stay flat?
python -m benchmarks.serve --smoke                  does all of it run? Its figures mean nothing

The load is a process of its own on the same cores, which the floor has for itself; the table says what the load took.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.options import check_known
from benchmarks.serve.measure import LEVELS, Level
from benchmarks.serve.pictures import write_pictures
from benchmarks.serve.run import Bench, run_comparison, run_soak
from benchmarks.serve.sides import OTHERS
from unmask.files import write_json
from unmask.serving.bundle import BUNDLE

SMOKE_LEVELS = (Level(2, 1), Level(1, 4))
DATASET = Path("build/dataset")


def main(
    *,
    bundle: Annotated[Path, typer.Option(help="The packaged model.")] = BUNDLE,
    student: Annotated[Path, typer.Option(help="The same model in torch, for fastapi-torch.")] = Path("build/student"),
    pictures: Annotated[
        Path | None, typer.Option(help="Pictures to cut to 224 to 512 px; without it the dataset's crops.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help=f"Beside the service, of {', '.join(OTHERS)}.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Each side at each level, in turn; medians count.")] = 5,
    soak: Annotated[int, typer.Option(min=0, help="Send so many requests instead, and watch the memory.")] = 0,
    json: Annotated[Path | None, typer.Option(help="Write the figures of every round there.")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="One short round.")] = False,
) -> None:
    """Print tables of figures and ratios; nothing here is a test."""
    check_known("--only", only, OTHERS)
    with tempfile.TemporaryDirectory(prefix="unmask-bench-") as name:
        scratch, folder = Path(name), Path(name) / "pictures"
        folder.mkdir()
        paths = write_pictures(folder, count=12 if smoke else 96, source=pictures, dataset=DATASET)
        bench = Bench(bundle, student, paths, scratch)
        if soak:
            result = run_soak(bench, requests=soak)
        elif smoke:
            result = run_comparison(bench, peers=only or OTHERS, levels=SMOKE_LEVELS, rounds=1, seconds=0.4, starts=1)
        else:
            result = run_comparison(bench, peers=only or OTHERS, levels=LEVELS, rounds=rounds, seconds=4.0, starts=3)
    print(result.text)
    if json:
        write_json(json, result.figures)


if __name__ == "__main__":
    typer.run(main)
