"""What a run leaves for people: artifacts beside it, and a notice through a Prefect block."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prefect import Flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.blocks.core import Block
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import FlowStateHook

from unmask.errors import ConfigError

WORLD = {"retries": 3, "retry_delay_seconds": 10, "cache_policy": NO_CACHE}
WEBHOOK = {"subject": "{{subject}}", "text": "{{body}}"}


@task(**WORLD)
def show(key: str, description: str, lines: Iterable[str], links: Iterable[Path] = ()) -> None:
    """Keep LINES of Markdown and links to files of this machine as an artifact of the run."""
    linked = [f"- [{path}]({path.absolute().as_uri()})" for path in links if path.exists()]
    create_markdown_artifact(key=key, description=description, markdown="\n".join([*lines, "", *linked]))


def tell(block: str, subject: str, body: str) -> None:
    """Send a notice through the block of that name, `custom-webhook/desk`; an empty name tells nobody.

    One that can't be sent stands in the run's log and fails nothing else.
    """
    if block:
        send(block, subject, body, return_state=True)


def tell_of_end(what: str) -> "FlowStateHook[..., Any]":
    """A hook that tells of a run that failed or crashed, of what nobody foresaw, too: the run itself can't always.

    WHAT is told beside the reason. The block is the setting `notify` of the flow, or of its parameter `settings`.
    """

    def told(flow: Flow[..., Any], run: FlowRun, state: State[Any]) -> None:
        settings = run.parameters.get("settings", run.parameters)
        notify = settings.get("notify", "") if isinstance(settings, Mapping) else settings.notify
        ended = "crashed" if state.is_crashed() else "failed"
        if notify:
            send.fn(notify, f"{flow.name} {ended}", "; ".join(filter(None, [state.message, what])))

    return told


@task(**WORLD)
def send(block: str, subject: str, body: str) -> None:
    """Send a notice.

    Raises:
        ConfigError: the block takes no notices.
    """
    found = Block.load(block)
    if not callable(getattr(found, "notify", None)):
        raise ConfigError(f"notify: the block {block} takes no notices; make one of a notification type")
    found.notify(body=body, subject=subject)


def save_webhook(name: str, url: str) -> str:
    """Make, or change, the webhook that notices go to; returns what the flows' setting `notify` calls it."""
    CustomWebhookNotificationBlock(name=name, url=url, json_data=WEBHOOK).save(name, overwrite=True)
    return f"custom-webhook/{name}"


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A Markdown table; bars in cells are escaped."""
    lines = [list(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return [f"| {' | '.join(line)} |" for line in lines]
