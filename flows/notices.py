"""What a run leaves for people: artifacts beside it, and a notice through a Prefect block."""

from collections.abc import Iterable
from pathlib import Path

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.blocks.core import Block
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.cache_policies import NO_CACHE

from unmask.errors import ConfigError

WORLD = {"retries": 3, "retry_delay_seconds": 10, "cache_policy": NO_CACHE}
WEBHOOK = {"subject": "{{subject}}", "text": "{{body}}"}


@task(**WORLD)
def show(key: str, description: str, lines: Iterable[str], links: Iterable[Path] = ()) -> None:
    """Keep LINES of Markdown and links to files of this machine as an artifact of the run."""
    linked = [f"- [{path}]({path.absolute().as_uri()})" for path in links if path.exists()]
    create_markdown_artifact(key=key, description=description, markdown="\n".join([*lines, "", *linked]))


@task(**WORLD)
def tell(block: str, subject: str, body: str) -> None:
    """Send a notice through the block of that name, `custom-webhook/desk`; an empty name tells nobody.

    Raises:
        ConfigError: the block takes no notices.
    """
    if not block:
        return
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
