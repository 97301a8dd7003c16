"""Serve the flows on their schedules until stopped: `python -m flows.deployments` beside `prefect server start`."""

from typing import Annotated

import typer
from prefect import serve
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentEventTrigger
from prefect.schedules import Cron

from flows.ingest import ingest
from flows.monitor import DRIFT, FEEDBACK, MonitorSettings, monitor
from flows.notices import save_webhook
from flows.retrain import retrain
from unmask.retraining.settings import RetrainSettings


def deployments(
    *, retrain_at: Cron, monitor_at: Cron, retraining: RetrainSettings, monitoring: MonitorSettings
) -> list[RunnerDeployment]:
    """`retrain` on its schedule, on drift and on enough feedback; `monitor` on its schedule; `ingest` when asked.

    What an event starts does nothing before enough new labels wait: drift alone has nothing to learn from, and
    `monitor` repeats its events for as long as they hold, also while their run is at work.
    """
    on_event = retraining.model_copy(update={"min_labels": monitoring.feedback})
    return [
        retrain.to_deployment(
            name="scheduled",
            description="Trains a challenger on the newest data and promotes it if it wins.",
            schedule=retrain_at,
            triggers=[
                DeploymentEventTrigger(
                    name="retrain on drift or feedback",
                    expect={DRIFT, FEEDBACK},
                    parameters={"reason": "{{ event.payload.reason }}", "settings": on_event.model_dump()},
                )
            ],
            concurrency_limit=1,
            parameters={"reason": "schedule", "settings": retraining.model_dump()},
        ),
        monitor.to_deployment(
            name="scheduled",
            description="Compares the newest traffic with what the served model was evaluated on.",
            schedule=monitor_at,
            concurrency_limit=1,
            parameters={"settings": monitoring.model_dump()},
        ),
        ingest.to_deployment(
            name="by-hand",
            description="Takes a folder of pictures in for the next retrain.",
            concurrency_limit=1,
        ),
    ]


def main(
    *,
    cron: Annotated[str, typer.Option(help="When to retrain.")] = "0 3 * * 1",
    monitor_cron: Annotated[str, typer.Option(help="When to look at the traffic.")] = "0 * * * *",
    timezone: Annotated[str, typer.Option(help="The zone of those times, an IANA name.")] = "UTC",
    hours: Annotated[float, typer.Option(help="Length of the monitor's window.")] = 24.0,
    feedback: Annotated[int, typer.Option(help="New labelled pictures that start a retrain.")] = 50,
    approval: Annotated[bool, typer.Option("--approval", help="A person approves each promotion.")] = False,
    push: Annotated[str, typer.Option(help="Git remote for branch and tags, with `dvc push`.")] = "",
    webhook: Annotated[str, typer.Option(help="URL that notices are posted to.")] = "",
) -> None:
    """Serve `retrain`, `monitor` and `ingest`; the schedules outlive this process."""
    notify = save_webhook("unmask", webhook) if webhook else ""
    served = deployments(
        retrain_at=Cron(cron, timezone=timezone),
        monitor_at=Cron(monitor_cron, timezone=timezone),
        retraining=RetrainSettings(approval=approval, push=push, notify=notify),
        monitoring=MonitorSettings(hours=hours, feedback=feedback, notify=notify),
    )
    serve(*served, pause_on_shutdown=False)


if __name__ == "__main__":
    typer.run(main)
