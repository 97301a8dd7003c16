"""The presets against plain supervised training, cell by cell; a killed run goes on where it stopped.

python -m benchmarks.methods                            39 cells, some two hours and a half on two cores
python -m benchmarks.methods --only domain              one protocol; repeat the option for more
python -m benchmarks.methods --presets all --budget 20  every preset in every protocol, for a GPU
python -m benchmarks.methods --table                    the page from what is finished

The real pictures are those of --data (or UNMASK_REAL_DATA), the sample is data/. They are prepared in the system's
temporary folder (TMPDIR), outside the project; only scores are kept, below --out.
"""

import dataclasses
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.methods.cell import Cell, Ready, ready, run_cell
from benchmarks.methods.prepare import material, prepare_fold
from benchmarks.methods.protocols import FACES, FOLDS, PROTOCOLS, Protocol
from benchmarks.methods.report import gather, page_lines, write_page
from benchmarks.methods.results import finished, result_path
from benchmarks.options import check_known
from unmask.config import load_config
from unmask.console import run_as_program, say
from unmask.training.methods import METHODS

PAGE = Path("docs/methods-benchmark.md")


def main(
    *,
    data: Annotated[
        Path | None, typer.Option(envvar="UNMASK_REAL_DATA", help="Folder that holds faces/; without it, sample only.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help=f"Protocols, of {', '.join(PROTOCOLS)}.")] = None,
    presets: Annotated[list[str] | None, typer.Option(help="Presets, or all; the protocol's own if left out.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=FOLDS, help="Folds, each with its own seed.")] = FOLDS,
    budget: Annotated[
        float, typer.Option(min=0.001, help="Times the passes of each cell; above 1 times the training groups, too.")
    ] = 1.0,
    setting: Annotated[list[str] | None, typer.Option("--set", help="Override of params.yaml, as KEY=VALUE.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the finished cells.")] = Path("var/benchmarks/methods"),
    table: Annotated[bool, typer.Option("--table", help=f"Only write {PAGE} from the finished cells.")] = False,
) -> None:
    """Train and score every cell that is not finished and print the page; or write it, with --table."""
    chosen = chosen_protocols(only, presets, with_real=data is not None)
    scratch = Path(tempfile.gettempdir(), "unmask-methods").resolve()
    ask = Ask(folds=range(seeds), budget=budget, overrides=setting or [], data=data, out=out.resolve(), scratch=scratch)
    if table:
        run_as_program("table", lambda: _write(out))
    else:
        run_as_program("methods", lambda: run_all(chosen, ask))
        run_as_program("table", lambda: _show(out))


@dataclass(frozen=True, kw_only=True)
class Ask:
    """What was asked for; `out` and `scratch` are absolute."""

    folds: range
    budget: float
    overrides: list[str]
    data: Path | None
    out: Path
    scratch: Path


def chosen_protocols(only: list[str] | None, presets: list[str] | None, *, with_real: bool) -> dict[str, Protocol]:
    """The protocols asked for, with the presets asked for.

    Raises:
        BadParameter: there is none of that name.
    """
    check_known("--only", only, PROTOCOLS)
    check_known("--presets", presets, (*METHODS, "all"))
    names = only or [name for name, protocol in PROTOCOLS.items() if with_real or protocol.material != FACES]
    if len(names) < len(PROTOCOLS) and not only:
        say("no --data: only the protocols on the sample")
    wanted = tuple(METHODS if presets and "all" in presets else presets or ())
    return {
        name: dataclasses.replace(protocol, presets=wanted or protocol.presets)
        for name, protocol in PROTOCOLS.items()
        if name in names
    }


def run_all(chosen: dict[str, Protocol], ask: Ask) -> str:
    """Prepare the folds and run every cell that is not finished; returns the summary."""
    root = Path.cwd()
    config = load_config(root, ask.overrides)
    datasets = {
        name: material(name, ask.scratch, config, real_data=ask.data, sample=root / "data")
        for name in dict.fromkeys(protocol.material for protocol in chosen.values())
    }
    cells: list[Ready] = []
    for name, protocol in chosen.items():
        wider = dataclasses.replace(protocol, train_groups=round(protocol.train_groups * max(1.0, ask.budget)))
        for fold in ask.folds:
            place = ask.scratch / "folds" / name / str(fold)
            prepare_fold(datasets[protocol.material], place, wider, fold, config)
            passes = protocol.passes * ask.budget
            cells += [
                ready(Cell(protocol=name, preset=preset, fold=fold, passes=passes, place=place), root, ask.overrides)
                for preset in protocol.presets
            ]
    waiting = [each for each in cells if not finished(result_path(ask.out, *each.cell.place_in_table), each.key)]
    _train(waiting, already=len(cells) - len(waiting), ask=ask)
    return f"{len(cells)} cells stand, {len(waiting)} of them new"


def _train(waiting: list[Ready], *, already: int, ask: Ask) -> None:
    start, done = time.monotonic(), 0.0
    left = sum(each.plan.passes for each in waiting)
    say(f"{already} cells stand, {len(waiting)} to go, {left:,.0f} picture passes")
    for number, each in enumerate(waiting, 1):
        result = run_cell(each, scratch=ask.scratch, out=ask.out)
        done, left = done + each.plan.passes, left - each.plan.passes
        minutes = (time.monotonic() - start) / done * max(0.0, left) / 60
        say(
            f"cell {already + number}/{already + len(waiting)}, {each.cell.name}: {result.total_seconds:.0f} s, "
            f"{result.chosen} by validation AUC; about {minutes:.0f} minutes left"
        )


def _show(out: Path) -> str:
    report = gather(out)
    print("\n".join(page_lines(report)))
    return f"{len(report.results)} cells; `--table` writes {PAGE}"


def _write(out: Path) -> str:
    report = gather(out)
    write_page(PAGE, report)
    return f"{PAGE} from {len(report.results)} cells"


if __name__ == "__main__":
    typer.run(main)
