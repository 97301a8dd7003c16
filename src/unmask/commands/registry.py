"""`unmask registry`: versions, stages, promotion and rollback."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from unmask.console import run_as_program

registry_app = typer.Typer(
    help="""Which models there are, and which of them serves.

    \b
    unmask registry                     a row a version, the newest first
    unmask registry history             every change of a stage
    unmask registry register            the model in HEAD as the next version
    unmask registry promote v1.4.0      it serves from now on
    unmask registry rollback            the one before serves again

    Versions and stages are git tags (unmask@v1.4.0, unmask#prod#7) that gto
    writes and reads, so a clone has them and `git push --tags` shares them. Data
    hash, settings and figures are those of the version's commit. Promoting to
    prod moves the service's pointer too, and services take the model up without
    a dropped request.
    """,
    no_args_is_help=False,
    invoke_without_command=True,
    rich_markup_mode=None,
)
Reason = Annotated[str, typer.Option(help="Why, for the history.")]


@registry_app.callback()
def show(context: typer.Context) -> None:
    """Show the versions."""
    if context.invoked_subcommand is None:
        from unmask.registry.table import show_versions

        run_as_program("registry", lambda: show_versions(Path.cwd(), _state()))


@registry_app.command()
def history() -> None:
    """Show every change of a stage, the newest first."""
    from unmask.registry.table import show_history

    run_as_program("registry", lambda: show_history(Path.cwd()))


@registry_app.command()
def register(
    revision: Annotated[str, typer.Argument(help="A commit whose dvc.lock knows the package stage.")] = "HEAD",
    *,
    reason: Reason = "by hand",
) -> None:
    """Register the model of a commit as the next version; one that has a version keeps it."""

    def run() -> str:
        from unmask.registry.register import register_revision

        return register_revision(Path.cwd(), revision, reason=reason)

    run_as_program("registry", run)


@registry_app.command()
def promote(
    version: Annotated[str, typer.Argument(help="A version, v1.4.0.", show_default=False)],
    *,
    stage: Annotated[Literal["staging", "prod"], typer.Option(help="staging, or prod, which serves.")] = "prod",
    reason: Reason = "by hand",
) -> None:
    """Give a version a stage; in prod the services answer with it."""

    def run() -> str:
        from unmask.registry.promotion import promote as give
        from unmask.registry.register import own_identity

        root = Path.cwd()
        given = give(root, _state(), version, stage=stage, reason=reason, identity=own_identity(root))
        return f"{given.name}, model {given.model}, is in {stage}"

    run_as_program("registry", run)


@registry_app.command()
def rollback() -> None:
    """Give prod back to the version that had it before; a second one goes one version further back."""

    def run() -> str:
        from unmask.registry.promotion import rollback as go_back
        from unmask.registry.register import own_identity

        root = Path.cwd()
        version = go_back(root, _state(), identity=own_identity(root))
        return f"{version.name}, model {version.model}, is in prod again"

    run_as_program("registry", run)


def _state() -> Path:
    from unmask.service_settings import load_serving, params_file

    return Path(load_serving(params_file()).state)
