from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from tests.serving.conftest import serve, shared_bundle, wait_until_it_answers  # noqa: F401

REFUSED = "Failed to load resource"  # the browser's own line for every answer from 400 on
Opener = Callable[..., Page]


@pytest.fixture(scope="session")
def service(serve: Any, wait_until_it_answers: Any, project: Path, shared_bundle: Path) -> Iterator[str]:  # noqa: F811
    """The address of a real `bentoml serve`, whose model finds bright pictures forged."""
    with serve(".", cwd=project, bundle=shared_bundle) as (process, client, _):
        wait_until_it_answers(process, client)
        yield str(client.base_url).rstrip("/")


@dataclass
class Watch:
    """What a page said and asked that it should not have."""

    address: str
    refusals: bool
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        if not (self.refusals and message.text.startswith(REFUSED)):
            self.said.append(message.text)

    def see(self, request: Request) -> None:
        if not request.url.startswith((f"{self.address}/", "blob:", "data:")):
            self.asked.append(request.url)


@pytest.fixture
def open_page(chromium: Browser, service: str) -> Iterator[Opener]:
    """A function that opens the page; each that it opened must be quiet, keep to itself and to the service's policy.

    `before(page)` is called before it is loaded; REFUSALS says that answers from 400 on are expected; `address` is of
    another service than the usual one.
    """
    watches, contexts = [], []

    def open_one(
        *,
        refusals: bool = False,
        before: Callable[[Page], None] | None = None,
        width: int = 1280,
        address: str = service,
        **options: Any,
    ) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        watch = Watch(address, refusals)
        watches.append(watch)
        page = context.new_page()
        page.on("console", watch.hear)
        page.on("pageerror", lambda error: watch.said.append(str(error)))
        page.on("request", watch.see)
        if before:
            before(page)
        answer = page.goto(f"{address}/ui")
        assert answer
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not [line for watch in watches for line in watch.said + watch.asked]
