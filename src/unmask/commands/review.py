"""`unmask review`: captured pictures that wait for a person's label."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from unmask.console import run_as_program


def review_command(
    prediction: Annotated[str, typer.Argument(help="An id of the list; without, the list is shown.")] = "",
    label: Annotated[Literal["real", "fake"] | None, typer.Argument(help="What it is.", show_default=False)] = None,
    *,
    note: Annotated[str, typer.Option(help="Why, for whoever reads it later.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Rows of the list.")] = 20,
) -> None:
    """List captured pictures that nobody labelled, the least certain first, or label one.

    \b
    unmask review
    unmask review 0123456789abcdef0123456789abcdef-0 fake

    The service captures pictures where serving.capture says so. A label is kept as
    feedback is, and the next retrain takes it in.
    """  # noqa: D301  # \b is the character that keeps a paragraph's lines
    if bool(prediction) != (label is not None):
        raise typer.BadParameter("an id and what it is, real or fake, go together")

    def run() -> str:
        from unmask.retraining.review import give_label, show_queue
        from unmask.service_settings import load_serving, params_file

        settings = load_serving(params_file())
        state = Path(settings.state)
        if label is None:
            return show_queue(state, limit=limit)
        return give_label(state, prediction, label, note=note, daily_megabytes=settings.inbox_megabytes)

    run_as_program("review", run)
