"""Look at the newest traffic and say so where it drifted: `python -m flows.monitor --help`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Completed, Failed
from pydantic import BaseModel, ConfigDict, Field

from flows.notices import show, table, tell, tell_of_end
from unmask.console import describe
from unmask.errors import UnmaskError
from unmask.service_settings import PARAMS, load_serving

if TYPE_CHECKING:
    from unmask.monitoring.monitor import Monitored

DRIFT, FEEDBACK = "unmask.drift", "unmask.feedback"  # events


class MonitorSettings(BaseModel):
    """Which window is looked at, and what starts a retrain."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hours: float = Field(24.0, gt=0, description="length of the window, which ends now")
    feedback: int = Field(50, ge=1, description="labelled pictures in the inbox that start a retrain by themselves")
    branch: str = Field("retrain", description="the loop's own branch, which says what was taken in")
    notify: str = Field("", description="Prefect block that is told, custom-webhook/desk; empty tells nobody")


DEFAULTS = MonitorSettings()


TOLD = [tell_of_end("the traffic was not judged")]


@flow(on_failure=TOLD, on_crashed=TOLD)
def monitor(settings: MonitorSettings = DEFAULTS) -> State[None]:
    """Compare the newest traffic with the served model's reference, and emit events that start `retrain`."""
    from unmask.config import load_config
    from unmask.monitoring.monitor import monitor as look
    from unmask.retraining.committed import committed_indexes
    from unmask.retraining.intake import waiting_feedback

    root, state, end = Path.cwd(), Path(load_serving(PARAMS).state), datetime.now(UTC)
    config = load_config(root)
    try:
        found = look(state, end - timedelta(hours=settings.hours), end, config.drift, seed=config.seed)
        with committed_indexes(root, settings.branch) as taken:
            waiting = waiting_feedback(state, taken)
    except (UnmaskError, OSError) as error:
        return Failed(message=describe(error))
    get_run_logger().info(str(found.summary))
    show_drift(found)
    resource = {"prefect.resource.id": f"unmask.model.{found.summary.subject.model_version or 'none'}"}
    if found.summary.drifted:
        emit_event(DRIFT, resource=resource, payload={"reason": f"drift: {found.summary.reason}"})
    if waiting >= settings.feedback:
        emit_event(FEEDBACK, resource=resource, payload={"reason": f"{waiting} labelled pictures wait in the inbox"})
    if found.summary.drifted:
        tell(settings.notify, "traffic drifted", str(found.summary))
    return Completed(message=f"{found.summary}; {waiting} labelled pictures wait in the inbox")


def show_drift(found: "Monitored") -> None:
    """What moved as a table, with the report, the history and the most novel pictures that were kept."""
    moved = [one for one in found.summary.columns if one.drifted]
    rows = [(one.name, one.sentence, f"{one.share:.1%}", f"{one.p_value:.4f}") for one in moved]
    lines = table(("column", "what moved", "share", "p"), rows) if rows else []
    show(
        "drift",
        str(found.summary),
        [str(found.summary), "", *lines],
        [found.page, found.history, *found.pictures.values()],
    )


def main(
    hours: Annotated[float, typer.Option(help="Length of the window, which ends now.")] = 24.0,
    feedback: Annotated[int, typer.Option(help="Labelled pictures that start a retrain.")] = 50,
) -> None:
    """Look once, now, without a Prefect server."""
    outcome = monitor(MonitorSettings(hours=hours, feedback=feedback), return_state=True)
    typer.echo(f"monitor: {outcome.message}", err=True)
    raise typer.Exit(0 if outcome.is_completed() else 1)


if __name__ == "__main__":
    typer.run(main)
