"""The loop put to the test: a generator that the champion has never seen appears in the traffic, and nobody helps.

python -m benchmarks.drill                         on the sample, some 25 minutes on two cores once the pipeline has run
python -m benchmarks.drill --real ../shared/data   on real pictures with stylegan2 as the newcomer, an hour or more

A clone of the project's HEAD in the system's temporary folder (TMPDIR) is given a Prefect server, the flows and
`bentoml serve`, each on a free port; workspace, champion and state of the project stay as they are. On the sample the
project's DVC cache is used, and grows; real pictures go into one beside the clone, and are removed with it. The drill
sends pictures to the service, at first such as the champion was evaluated on, then more and more of the newcomer's.
Everything else is the loop's own doing.

Two services beside the one in traffic score the held-out pictures, with the champion before and the challenger after.
Ends with code 0 where the aim is met, 1 where it is missed.
"""

import math
import os
import signal
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.drill import drawn, photographed
from benchmarks.drill.drill import Settings, run
from benchmarks.drill.pictures import Material
from benchmarks.drill.report import figures, lines, write
from benchmarks.drill.scratch import remove_results, scratch_folder
from benchmarks.drill.servers import Loop, forget_settings
from benchmarks.drill.stage import Stage, change_params, clone, replace_data, stage_champion
from benchmarks.drill.traffic import Plan
from unmask.config import load_config
from unmask.console import run_as_program, say
from unmask.errors import UnmaskError

ALARM_MINUTES, PROMOTION_MINUTES, REAL_PROMOTION_MINUTES = 15.0, 45.0, 180.0  # before the drill gives up
TRIGGER = 0.9  # of the desk's reports that start a retrain; a few may be of no use to it
# What the real pictures lack: people's backgrounds, and the generators that the sample tests on only.
REAL_PARAMS: dict[str, dict[str, Any]] = {"assemble": {"domain": "source", "unseen_generators": []}}


def main(
    *,
    real: Annotated[Path | None, typer.Option(help="Folder that holds faces/; without it, the sample.")] = None,
    most: Annotated[int, typer.Option(help="Real pictures of each generator, about.")] = 1500,
    labels: Annotated[int, typer.Option(min=1, help="Reports that the desk gives; 0.9 of them start a retrain.")] = 50,
    seed: Annotated[int, typer.Option(help="Of pictures and traffic.")] = drawn.SEED,
    out: Annotated[Path, typer.Option(help="Where figures and plot go.")] = Path("var/drill"),
    keep: Annotated[bool, typer.Option("--keep", help="Leave the clone, pictures and all.")] = False,
) -> None:
    """Run the drill and print what it came to; --out gets drill.md, drill.json, drill.png and the servers' logs."""
    settings = Settings(
        plan=Plan(),
        loop=Loop(labels=math.ceil(TRIGGER * labels)),
        reports=labels,
        alarm_minutes=ALARM_MINUTES,
        promotion_minutes=REAL_PROMOTION_MINUTES if real else PROMOTION_MINUTES,
        seed=seed,
    )
    for ending in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) != signal.SIG_IGN:  # as nohup leaves it
            signal.signal(ending, signal.default_int_handler)  # servers are ended as on Ctrl-C
    run_as_program("drill", lambda: drill(settings, real=real, most=most, out=out, keep=keep))


def drill(settings: Settings, *, real: Path | None, most: int, out: Path, keep: bool) -> str:
    """Set the stage, run, report; returns the summary.

    Raises:
        UnmaskError: the aim is missed, or the drill could not be run.
    """
    forget_settings()
    if not real:
        drawn.check_seed(settings.seed)
    remove_results(out)
    start = time.monotonic()
    with scratch_folder(out, keep=keep) as folder:
        root = clone(Path.cwd(), folder, say, with_data=real is None)
        stage, material = _real_stage(root, folder, real, most, settings) if real else _sample_stage(root, settings)
        say(f"drill: {material}")
        staged = time.monotonic()
        outcome = run(stage, material, settings, folder / "logs")
        rate, minutes = load_config(root).evaluate.fake_fpr, ((staged - start) / 60, (time.monotonic() - staged) / 60)
        found = figures(outcome, material, rate=rate, seed=settings.seed, minutes=minutes)
        write(out, found, outcome)
        print("\n".join(lines(found)))
    if not found.met:
        raise UnmaskError(f"the aim is missed; {out / 'drill.md'} says in what")
    return f"the aim is met; {out / 'drill.md'}, {out / 'drill.png'}"


def _sample_stage(root: Path, settings: Settings) -> tuple[Stage, Material]:
    stage = stage_champion(root, say)
    return stage, drawn.draw_material(root, seed=settings.seed, workers=os.cpu_count() or 1)


def _real_stage(root: Path, folder: Path, real: Path, most: int, settings: Settings) -> tuple[Stage, Material]:
    faces = real.resolve() / "faces"
    files = photographed.list_files(faces, most=most, seed=settings.seed)
    training, material = photographed.photographed_material(files, seed=settings.seed)
    change_params(root, REAL_PARAMS)
    replace_data(root, lambda data: photographed.take_in(training, faces, data, folder), say)
    return stage_champion(root, say), material


if __name__ == "__main__":
    typer.run(main)
