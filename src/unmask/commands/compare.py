"""`unmask compare`: champion against challenger."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask.console import run_as_program

if TYPE_CHECKING:
    from unmask.evaluation.comparison.compare import Decision

KEEP = 3  # exit status where the champion stays


def compare_command(
    champion: Annotated[str, typer.Argument(help="Evaluation folder or git revision, and :CANDIDATE.")],
    challenger: Annotated[str, typer.Argument(help="The same, of what would take its place.")],
    *,
    trigger: Annotated[str, typer.Option(help="Slice on which it was asked to be better; overall if left out.")] = "",
    out: Annotated[
        Path | None, typer.Option("--json", help="Write the decision there, too.", show_default=False)
    ] = None,
) -> None:
    """Say whether a challenger may take the champion's place, and why.

    Both are judged on the test pictures that both have scored:

    \b
    unmask compare HEAD build/evaluation
    unmask compare build/evaluation:teacher build/evaluation:student
    unmask compare v1.0 build/evaluation --trigger "generator:news / swap"

    A revision's outputs come from the DVC cache or remote. Without :CANDIDATE it
    is the packaged one. It is promoted if it is better where it was asked to be,
    not worse by more than a margin overall and on every slice and tier of enough
    rows, within the caps on real photographs called fake and on latency (of the
    bundle in package/ beside the folder), and right on the reported mistakes
    (regression.csv). The margins and caps are promote in params.yaml.

    \b
    exit status  0 promote   1 error   2 wrong usage   3 keep the champion
    """  # noqa: D301  # \b is the character that keeps a paragraph's lines
    kept = False

    def run() -> str:
        from unmask.evaluation.comparison.table import summary

        nonlocal kept
        decision = _compare(champion, challenger, trigger=trigger, out=out)
        kept = decision.verdict == "keep"
        return summary(decision)

    run_as_program("compare", run)
    raise typer.Exit(KEEP if kept else 0)


def _compare(champion: str, challenger: str, *, trigger: str, out: Path | None) -> "Decision":
    from unmask.config import load_config
    from unmask.evaluation.comparison.run import compare_references
    from unmask.evaluation.comparison.table import show_decision
    from unmask.files import write_json

    config = load_config(Path.cwd())
    decision = compare_references(champion, challenger, config=config, root=Path.cwd(), trigger=trigger)
    show_decision(decision)
    if out is not None:
        write_json(out, decision.to_dict())
    return decision
