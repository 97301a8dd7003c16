"""Train a challenger on the newest data and promote it if it wins: `python -m flows.retrain --help`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from prefect.states import Completed, Failed

from flows.notices import show, table, tell, tell_of_end
from unmask.console import describe
from unmask.errors import UnmaskError
from unmask.retraining.settings import TREE, RetrainSettings
from unmask.service_settings import PARAMS, load_serving

if TYPE_CHECKING:
    from unmask.retraining.challenge import Challenge
    from unmask.retraining.run import Result

DEFAULTS = RetrainSettings()
REPORT, CARD = Path("build/evaluation/report.html"), Path("build/package/bundle/CARD.md")


class Approval(RunInput):
    """What a person answers to a paused run."""

    approve: bool = False


TOLD = [tell_of_end("the champion stays")]


@flow(on_failure=TOLD, on_crashed=TOLD)
def retrain(reason: str = "by hand", settings: RetrainSettings = DEFAULTS) -> State[None]:
    """Take the inbox in, run the pipeline beside the workspace, and promote the challenger if it beats the champion.

    Args:
        reason: why it runs; stands in the commit, the artifacts and the notice.
        settings: what to do with the challenger.
    """
    from unmask.retraining.run import run_retrain

    root, state = Path.cwd(), Path(load_serving(PARAMS).state)

    def approve(found: "Challenge", version: str) -> bool:
        show_comparison(found, reason, state / TREE)
        return not settings.approval or ask(version, hours=settings.approval_hours)

    try:
        result = run_retrain(root, state, settings, reason=reason, log=get_run_logger().info, approve=approve)
    except (UnmaskError, OSError) as error:
        return Failed(message=f"{describe(error)} ({reason})")
    if result.challenge.outcome == "keep":
        show_comparison(result.challenge, reason, state / TREE)
    show("retrain", reason, card(result, reason))
    if result.challenge.outcome != "unchanged":
        tell(settings.notify, f"retrain: {result.challenge.outcome}", f"{result.summary} ({reason})")
    return Completed(message=result.summary)


def ask(version: str, *, hours: float) -> bool:
    """Pause the run until a person approves VERSION in Prefect's pages; False where nobody does in HOURS."""
    text = f"Put **{version}** into prod? The comparison is among the run's artifacts."
    try:
        answer = pause_flow_run(
            wait_for_input=Approval.with_initial_data(description=text), timeout=round(hours * 3600)
        )
    except FlowPauseTimeout:
        return False
    return bool(answer.approve)


def show_comparison(found: "Challenge", reason: str, tree: Path) -> None:
    """The checks of the promotion rule as a table, failed ones first, with the challenger's report and card."""
    checks = sorted(found.decision.checks if found.decision else (), key=lambda check: check.passed)
    rows = [
        (
            "passed" if check.passed else "**failed**",
            check.name,
            "" if check.figure is None else f"{check.figure:.3f}",
            f"{check.interval[0]:.3f} to {check.interval[1]:.3f}" if check.interval else "",
            f"{check.relation} {check.bound:g}",
            check.reason,
        )
        for check in checks
    ]
    lines = table(("", "check", "figure", "interval", "must be", "why"), rows) if rows else []
    notes = [f"- {note}" for note in (found.decision.notes if found.decision else ())]
    show("comparison", reason, [found.summary, "", *lines, "", *notes], [tree / REPORT, tree / CARD])


def card(result: "Result", reason: str) -> list[str]:
    """What a run did, in a few lines."""
    found = result.challenge
    champion = found.champion.name if found.champion else "none yet"
    facts = {
        "why": reason,
        "taken in": found.intake,
        "champion": champion,
        "challenger": found.model or "none",
        "outcome": found.outcome,
        "version": result.version or "not registered",
        "commit": found.commit[:12],
    }
    return [f"**{result.summary}**", "", *table(("", ""), facts.items())]


def main(
    *,
    reason: Annotated[str, typer.Option(help="Why it runs; stands in the commit and the artifacts.")] = "by hand",
    trigger: Annotated[str, typer.Option(help="Slice it must be better on, as `unmask compare` names it.")] = "",
    branch: Annotated[str, typer.Option(help="The loop's own branch.")] = "retrain",
    push: Annotated[str, typer.Option(help="Git remote for branch and tags, with `dvc push`.")] = "",
    data_remote: Annotated[str, typer.Option(help="DVC remote of data that the cache lacks.")] = "",
    take_inbox: Annotated[bool, typer.Option("--inbox/--no-inbox", help="Take feedback and captures in.")] = True,
    warm_start: Annotated[bool, typer.Option(help="Go on from the champion's weights, or start afresh.")] = True,
    merge: Annotated[bool, typer.Option("--merge", help="Fast-forward the checked-out branch.")] = False,
) -> None:
    """Retrain once, now, without a Prefect server."""
    settings = RetrainSettings(
        branch=branch,
        take_inbox=take_inbox,
        warm_start=warm_start,
        trigger=trigger,
        data_remote=data_remote,
        push=push,
        merge=merge,
    )
    outcome = retrain(reason, settings, return_state=True)
    typer.echo(f"retrain: {outcome.message}", err=True)
    raise typer.Exit(0 if outcome.is_completed() else 1)


if __name__ == "__main__":
    typer.run(main)
