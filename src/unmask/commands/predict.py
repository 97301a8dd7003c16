"""`unmask predict`: answers for files from a packaged model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask.console import run_as_program

if TYPE_CHECKING:
    from unmask.serving.offline.scoring import Row

REFUSED = 3  # exit code where some files have no answer


def predict_command(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, clips or patterns.", show_default=False)],
    *,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write the answers here; without, a line each to standard output.")
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(help="The packaged model; UNMASK_BUNDLE or build/package/bundle if left out.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Threads that decode and infer; a core each if left out.", show_default=False),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a run that was stopped left the CSV file.")
    ] = False,
) -> None:
    """Say of pictures and clips whether they are real, fake or uncertain.

    \b
    unmask predict face.jpg
    unmask predict inbox/ --csv answers.csv
    unmask predict 'inbox/**/*.mp4' cover.png --csv answers.csv
    unmask predict inbox/ --csv answers.csv --resume

    A folder is searched to any depth, but for names that begin with a dot; a
    pattern in quotes names files. JPEG, PNG, WebP, BMP and TIFF; clips need the
    extra `clips`. Each picture gives a row of the CSV file, a clip a row for each
    frame that was looked at and one of level `clip`, from the mean of their
    log-odds:

    \b
    path, level     level is picture, frame, clip or refused; in a path, control
                    characters are \\xHH or \\uHHHH, a line break is \\x0a
    frame, time_s   where in the clip
    p_fake          calibrated probability of fake, 0 to 1
    verdict         real, fake or uncertain, by the thresholds of the model
    logit           log-odds of the network, before calibration; a clip's are
                    the mean of its frames'
    sentence        what looks altered
    attribute_*     probability of each attribute
    model_version, data_hash   whose answer it is, learned from what
    error           why a file was refused

    A file that can't be used is refused, with its reason as its row, and never
    stops the rest. The CSV file is written as <name>.part and renamed when it is
    whole, so an older one stays until then; --resume keeps the files that a
    stopped run has answers for and tries those that it refused again, whose rows
    then come after the ones that were kept. Nothing leaves this machine, and no
    torch is needed.

    Ends with code 0 if every file was answered, 3 if some were refused, 1 if
    nothing could be done, 2 for a wrong option.
    """  # noqa: D301  # \b is the character that keeps a paragraph's lines
    refused = 0

    def run() -> str:
        nonlocal refused
        from unmask.serving.bundle import bundle_folder
        from unmask.serving.cores import usable_cores
        from unmask.serving.offline.predict import predict

        summary, refused = predict(
            paths,
            bundle=bundle or bundle_folder(),
            csv=csv,
            show=_show,
            workers=workers or usable_cores(),
            resume=resume,
        )
        return summary

    run_as_program("predict", run)
    if refused:
        raise typer.Exit(REFUSED)


def _show(row: "Row") -> None:
    where = row.path if row.time_s is None else f"{row.path} at {row.time_s:.1f} s"
    if row.level == "refused":
        typer.echo(f"{where}: refused: {row.error}")
    else:
        typer.echo(f"{where}: {row.verdict} ({row.p_fake:.3f}); {row.sentence}")
