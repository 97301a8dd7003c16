"""`unmask report`: the page of a finished evaluation."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from unmask.console import run_as_program, say


def report_command(
    folder: Annotated[Path, typer.Argument(help="What the evaluate stage wrote.")] = Path("build/evaluation"),
    *,
    out: Annotated[
        Path | None, typer.Option(help="The page; report.html in FOLDER if left out.", show_default=False)
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Render the report of a finished evaluation again, without scoring a picture.

    The page is one file that needs no network: send it, print it, keep it with
    the release.

    \b
    unmask report
    unmask report build/evaluation --out report.html --open
    """  # noqa: D301  # \b is the character that keeps a paragraph's lines
    run_as_program("report", lambda: _report(folder, out or folder / "report.html", show=show))


def _report(folder: Path, out: Path, *, show: bool) -> str:
    from unmask.evaluation.report.page import write_report

    size = write_report(folder, out)
    if show and not webbrowser.open(out.resolve().as_uri()):
        say("report: no browser was found; open the file by hand")
    return f"{out}, {size / 1e3:,.0f} kB"
