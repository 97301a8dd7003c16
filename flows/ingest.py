"""Take a folder of pictures in for the next retrain: `python -m flows.ingest --help`."""

from pathlib import Path
from typing import Annotated

import typer
from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.notices import show, tell_of_end
from unmask.console import describe
from unmask.errors import UnmaskError
from unmask.retraining.settings import Author
from unmask.service_settings import PARAMS, load_serving

AUTHOR = Author()


TOLD = [tell_of_end("the data is as it was")]


@flow(on_failure=TOLD, on_crashed=TOLD)
def ingest(
    where: str,
    source: str = "",
    branch: str = "retrain",
    author: Author = AUTHOR,
    notify: str = "",  # noqa: ARG001  # the hook reads it
) -> State[None]:
    """Take a folder, a list or a URL of either in as a new batch on the loop's branch.

    Args:
        where: as `unmask ingest` takes it.
        source: its name, where the folder is itself one source.
        branch: the loop's own branch.
        author: who commits.
        notify: Prefect block that is told, custom-webhook/desk.
    """
    from unmask.retraining.batch import take_folder

    state = Path(load_serving(PARAMS).state)
    try:
        summary = take_folder(Path.cwd(), state, where, source=source, branch=branch, identity=author.identity)
    except (UnmaskError, OSError) as error:
        return Failed(message=describe(error))
    show("ingest", where, [summary])
    return Completed(message=summary)


def main(
    where: Annotated[str, typer.Argument(help="As `unmask ingest` takes it.")],
    source: Annotated[str, typer.Option(help="Its name, where the folder is itself one source.")] = "",
    branch: Annotated[str, typer.Option(help="The loop's own branch.")] = "retrain",
) -> None:
    """Take pictures in once, now, without a Prefect server."""
    outcome = ingest(where, source, branch, return_state=True)
    typer.echo(f"ingest: {outcome.message}", err=True)
    raise typer.Exit(0 if outcome.is_completed() else 1)


if __name__ == "__main__":
    typer.run(main)
