"""`unmask monitor`: has the traffic drifted from what the model knows?"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask.console import run_as_program, say

if TYPE_CHECKING:
    from unmask.monitoring.monitor import Monitored

DRIFTED, UNDECIDED = 3, 4  # exit codes
Span = tuple[datetime, datetime]


def monitor_command(
    *,
    state: Annotated[
        Path | None, typer.Option(help="Folder of the traffic log; serving.state of params.yaml if left out.")
    ] = None,
    hours: Annotated[float, typer.Option(min=0.01, help="Length of the window.")] = 24.0,
    until: Annotated[datetime | None, typer.Option(help="Its end, UTC; now if left out.", show_default=False)] = None,
    out: Annotated[
        Path | None, typer.Option("--json", help="Write the summary there, too.", show_default=False)
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Take the window as what is usual, instead of judging it.")
    ] = False,
) -> None:
    """Say whether the service's traffic has drifted from what its model knows, and in what.

    \b
    unmask monitor
    unmask monitor --state var --hours 24
    unmask monitor --hours 1 --until 2026-11-21T12:00:00 --json drift.json

    The predictions in the service's log are compared with the reference that
    `dvc repro drift` made of the packaged model: picture quality, score, share of
    uncertain verdicts, attributes, and embeddings (a domain classifier and the
    maximum mean discrepancy). All comparisons share one decision: of windows
    without drift at most the share drift.level raises an alarm, and what moved
    fewer than drift.min_moved of the pictures raises none.

    Traffic has another mix than held-out rows: fewer fakes, other cameras. Where a
    person has looked at a window and found it in order, --accept makes it the
    reference of this model, to which later windows are then compared.

    Only predictions of the model that answered last count; the reference of each
    model is kept in <state>/references. A picture that was sent many times counts
    once, and pictures of one request belong together.

    \b
    <state>/reports/<end>.html   Evidently's report, the newest drift.keep_reports
    <state>/reports/<end>.json   the decision, of all windows
    <state>/reports/history.html all decisions over time

    Ends with code 0 if nothing drifted, 3 if it did, 4 if that can't be decided,
    for instance because too few pictures came (never taken for "no drift"), 1 for
    an error, 2 for a wrong option.
    """  # noqa: D301  # \b is the character that keeps a paragraph's lines
    code = 0
    end = until.replace(tzinfo=UTC) if until else datetime.now(UTC)
    span = (end - timedelta(hours=hours), end)

    def run() -> str:
        nonlocal code
        if accept:
            return f"{_accept(state, span)} is the reference from now on"
        found = _monitor(state, span)
        _show(found)
        if out is not None:
            from unmask.files import write_json

            write_json(out, found.summary.to_dict())
        code = UNDECIDED if found.summary.undecided else DRIFTED if found.summary.drifted else 0
        return f"{found.summary}; {found.page}"

    run_as_program("monitor", run)
    raise typer.Exit(code)


def _monitor(state: Path | None, span: Span) -> "Monitored":
    from unmask.config import load_config
    from unmask.monitoring.monitor import monitor

    config = load_config(Path.cwd())
    return monitor(state or _state(), *span, config.drift, seed=config.seed)


def _accept(state: Path | None, span: Span) -> Path:
    from unmask.config import load_config
    from unmask.monitoring.monitor import accept

    config = load_config(Path.cwd())
    return accept(state or _state(), *span, config.drift)


def _show(found: "Monitored") -> None:
    for reason, count in found.summary.subject.left_aside.items():
        say(f"monitor: {count:,} left aside, {reason}")
    if found.summary.drifted:
        for each in found.summary.columns:
            if each.drifted:
                typer.echo(
                    f"{each.sentence}; about {each.share:.0%} of the pictures moved, adjusted p {each.p_value:.3f}"
                )
        for novel in found.summary.novel:
            picture = found.pictures.get(novel.id)
            where = f", {picture}" if picture else ""
            typer.echo(f"novel: {novel.id}, more so than {novel.novelty:.0%} of the reference{where}")


def _state() -> Path:
    from unmask.service_settings import load_serving, params_file

    return Path(load_serving(params_file()).state)
