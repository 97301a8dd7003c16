"""`unmask protocol`: the pipeline on one choice of unseen generators after another, in one table."""

from pathlib import Path
from typing import Annotated

import typer

from unmask.console import run_as_program


def protocol_command(
    name: Annotated[str, typer.Argument(help="leave-one-out or next-window.", show_default=False)],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the experiments and show the table.")] = False,
    queue: Annotated[bool, typer.Option("--queue", help="Only put them into DVC's queue.")] = False,
    set_param: Annotated[
        list[str] | None, typer.Option("--set-param", "-S", help="A setting of params.yaml for all of them, key=value.")
    ] = None,
    dates: Annotated[
        Path | None, typer.Option(help="CSV table generator,first_seen that wins over the data's days.")
    ] = None,
) -> None:
    """Run an evaluation protocol as DVC experiments and show its table.

    \b
    leave-one-out  each generator in turn is kept unseen, all others train
    next-window    generators in the order of their days: all up to a day
                   train, the next ones test, what came later waits

    \b
    unmask protocol leave-one-out --dry-run
    unmask protocol leave-one-out
    unmask protocol next-window -S teach.epochs=10 --dates days.csv

    Each experiment runs the pipeline up to `evaluate` in a folder of its own, beside
    the workspace. Its name ends with a digest of its settings, the data and the
    code: run the command again after an interruption, and only what is missing
    runs. One that fails stops none of the others. With --queue nothing runs until
    `dvc queue start --jobs 2`; the command shows the table of what is finished each
    time. --dry-run shows it too, and writes nothing.

    A generator's day is the earliest first_seen of its fakes (attributes.csv, or
    the list's column), else the day they were taken in. Reals of all days train.

    The table has, for each tested generator and model, the AUC and the share of
    fakes found with row counts and intervals (evaluate.confidence), what file
    statistics alone reach (the shortcut audit's AUC: out of fold over all labelled
    rows, not the test rows of the AUC beside it), the AUC on generators that trained
    and the share of reals called fake. It is printed and written to
    build/protocols/<name>.csv and .md.
    """  # noqa: D301  # \b is the character that keeps a paragraph's lines
    if dry_run and queue:
        raise typer.BadParameter("takes no --queue", param_hint="--dry-run")

    def run() -> str:
        from unmask.protocols.run import Mode, run_protocol

        mode: Mode = "list" if dry_run else "queue" if queue else "run"
        table, summary = run_protocol(name, Path.cwd(), mode=mode, settings=set_param or [], dates=dates)
        if table:
            typer.echo(table)
        return summary

    run_as_program("protocol", run)
