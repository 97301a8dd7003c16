import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route

from tests.serving.conftest import serve, shared_bundle, wait_until_it_answers  # noqa: F401

# The strictest policy that the page is meant to live under.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; "
    "media-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
REFUSED = "Failed to load resource"  # the browser's own line for every answer from 400 on
Opener = Callable[..., Page]


@pytest.fixture(scope="session")
def service(
    serve: Any,  # noqa: F811
    wait_until_it_answers: Any,  # noqa: F811
    project: Path,
    shared_bundle: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The address of a real `bentoml serve`, whose model finds bright pictures forged."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNMASK_SERVING_STATE", str(tmp_path_factory.mktemp("state")))
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


def with_policy(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": POLICY})


@pytest.fixture
def open_page(chromium: Browser, service: str) -> Iterator[Opener]:
    """A function that opens the page; each that it opened must be quiet and keep to itself.

    `before(page)` is called before it is loaded; REFUSALS says that answers from 400 on are expected.
    """
    watches, contexts = [], []

    def open_one(
        *, refusals: bool = False, before: Callable[[Page], None] | None = None, width: int = 1280, **options: Any
    ) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        watch = Watch(service, refusals)
        watches.append(watch)
        page = context.new_page()
        page.on("console", watch.hear)
        page.on("pageerror", lambda error: watch.said.append(str(error)))
        page.on("request", watch.see)
        page.route(re.compile(r"/ui$"), with_policy)
        if before:
            before(page)
        page.goto(f"{service}/ui")
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not [line for watch in watches for line in watch.said + watch.asked]
