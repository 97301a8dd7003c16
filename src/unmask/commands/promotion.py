"""`unmask promote` and `unmask rollback`: which model the services answer with."""

from pathlib import Path
from typing import Annotated

import typer

from unmask.console import run_as_program

STATE_HELP = "Folder of the promoted model; serving.state of params.yaml if left out."


def promote_command(
    folder: Annotated[
        Path | None,
        typer.Argument(help="The packaged model; build/package/bundle if left out.", show_default=False),
    ] = None,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "",
    state: Annotated[Path | None, typer.Option(help=STATE_HELP, show_default=False)] = None,
) -> None:
    """Let the services answer with a packaged model.

    \b
    unmask promote --reason "better on generator:news"
    unmask promote build/package/bundle --state /srv/unmask

    The bundle is checked as a service checks it: its schema, the hash of each of
    its files, and the scores of its self-test. It is then copied to
    serving.state/bundles, and serving.state/promoted.json names it. Running
    services that share the folder take it up within serving.poll_s seconds,
    without a dropped request; one that can't goes on with the model it has, says
    so at /model and why in its log. To promote the same model again lets such a
    service try again. `unmask rollback` goes back.

    A service whose UNMASK_BUNDLE is set answers with that bundle, whatever is
    promoted.

    \b
    promoted.json      what is promoted, since when and why
    bundles/           each version that a rollback can reach
    promotions.jsonl   the history of promotions and rollbacks
    """  # noqa: D301  # \b is the character that keeps a paragraph's lines

    def run() -> str:
        from unmask.serving.bundle import BUNDLE
        from unmask.serving.promoted import promote

        pointer = promote(folder or BUNDLE, _state(state), reason)
        return f"{pointer.version} is promoted; the services that look at {_state(state)} take it up"

    run_as_program("promote", run)


def rollback_command(
    *, state: Annotated[Path | None, typer.Option(help=STATE_HELP, show_default=False)] = None
) -> None:
    """Let the services answer with the model that was promoted before.

    \b
    unmask rollback

    Promotions are a stack: after v1, v2, v3 one rollback goes to v2 and a second
    one to v1; what is promoted then lies above v1 again. The bundle is checked
    before it is named, and the services take it up as they take a promotion.
    """  # noqa: D301  # \b is the character that keeps a paragraph's lines

    def run() -> str:
        from unmask.serving.promoted import rollback

        pointer = rollback(_state(state))
        return f"{pointer.version} is promoted again ({pointer.reason})"

    run_as_program("rollback", run)


def _state(given: Path | None) -> Path:
    from unmask.service_settings import load_serving, params_file

    return given or Path(load_serving(params_file()).state)
