"""Run the pipeline with live logs and publish its headline: `python -m flows.retrain --help`."""

from pathlib import Path
from typing import Annotated

import typer
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from unmask.dvc_process import DvcError, repro_command, run_dvc
from unmask.evaluation.headline import METRICS, REPORT, headline_lines
from unmask.files import read_json


@task(retries=3, retry_delay_seconds=10, cache_policy=NO_CACHE)
def publish(reason: str) -> None:
    """Show the headline of build/metrics.json as an artifact of the run."""
    headline = "\n".join(headline_lines(read_json(METRICS)))
    link = f"[{REPORT}]({REPORT.absolute().as_uri()})"
    create_markdown_artifact(
        key="headline", description=f"retrain, {reason}", markdown=f"```\n{headline}\n```\n\nReport: {link}\n"
    )


@flow
def retrain(target: str = "", force: bool = False, reason: str = "by hand") -> State[None]:
    """Run `dvc repro` here, never twice (DVC and the checkpoints know where to go on), and publish the headline.

    Args:
        target: the stage to stop at; empty runs all of them.
        force: run stages even where nothing changed.
        reason: why it runs; stands in the artifact.
    """
    command = repro_command(target=target, force=force)
    try:
        run_dvc(command, root=Path.cwd(), on_line=get_run_logger().info)
    except DvcError as error:
        return Failed(message=str(error))
    if METRICS.is_file():
        publish(reason)
    return Completed(message="the pipeline is up to date")


def main(
    target: Annotated[str, typer.Option(help="The stage to stop at; empty runs all of them.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Run stages even where nothing changed.")] = False,
    reason: Annotated[str, typer.Option(help="Why it runs; stands in the artifact.")] = "by hand",
) -> None:
    """Retrain once, now, without a Prefect server."""
    outcome = retrain(target, force, reason, return_state=True)
    typer.echo(f"retrain: {outcome.message}", err=True)
    raise typer.Exit(0 if outcome.is_completed() else 1)


if __name__ == "__main__":
    typer.run(main)
