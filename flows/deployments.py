"""Serve the flows on their schedules until stopped: `python -m flows.deployments` beside `prefect server start`."""

from typing import Annotated

import typer
from prefect import serve
from prefect.schedules import Cron

from flows.retrain import retrain


def main(
    cron: Annotated[str, typer.Option(help="When to retrain.")] = "0 3 * * 1",
    timezone: Annotated[str, typer.Option(help="The zone of that time, an IANA name.")] = "UTC",
) -> None:
    """Serve `retrain` every Monday at 03:00 UTC, one run at a time; the schedule outlives this process."""
    deployment = retrain.to_deployment(
        name="scheduled",
        description="Brings the detector up to date with data.dvc and params.yaml.",
        schedule=Cron(cron, timezone=timezone),
        concurrency_limit=1,
        parameters={"reason": "schedule"},
    )
    serve(deployment, pause_on_shutdown=False, limit=1)


if __name__ == "__main__":
    typer.run(main)
