"""The page as a browser shows it, on a phone and on a desktop, light and dark."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from unmask.evaluation.report.page import SECTIONS, write_report

pytestmark = pytest.mark.xdist_group("browser")
PHONE, DESKTOP = 390, 1280
LUMINANCE = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b) / 3"
NARROW = """
    [...document.querySelectorAll("p, li, h1, h2, h3, figcaption")]
        .filter(each => each.clientWidth && each.scrollWidth > each.clientWidth + 1).length
"""


@dataclass
class Shown:
    """A page with what it said on the console and what it asked for."""

    page: Page
    width: int
    dark: bool
    said: list[str]
    asked: set[str]


def show(chromium: Browser, path: Path, *, width: int, dark: bool) -> Shown:
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", is_mobile=width < 600
    )
    shown = Shown(context.new_page(), width, dark, [], set())
    shown.page.on("console", lambda message: shown.said.append(message.text))
    shown.page.on("pageerror", lambda error: shown.said.append(str(error)))
    shown.page.on("request", lambda request: shown.asked.add(request.url))
    shown.page.goto(path.as_uri())
    return shown


@pytest.fixture(scope="module")
def report(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(whole, path)
    return path


@pytest.fixture(params=[(PHONE, False), (PHONE, True), (DESKTOP, False), (DESKTOP, True)], ids=str)
def shown(request: pytest.FixtureRequest, chromium: Browser, report: Path) -> Iterator[Shown]:
    width, dark = request.param
    one = show(chromium, report, width=width, dark=dark)
    yield one
    one.page.context.close()


def test_the_page_is_whole_quiet_and_fits(shown: Shown, report: Path) -> None:
    page = shown.page
    assert not shown.said
    assert {address for address in shown.asked if not address.startswith("data:")} == {report.as_uri()}
    assert page.evaluate("document.documentElement.scrollWidth") <= shown.width
    assert page.evaluate(NARROW) == 0
    assert page.locator("main > section > h2").count() == len(SECTIONS)
    assert (page.evaluate(LUMINANCE) < 60) is shown.dark


def test_pictures_are_decoded(shown: Shown) -> None:
    broken = "[...document.images].filter(image => !(image.complete && image.naturalWidth)).length"
    assert shown.page.evaluate("document.images.length") == 2
    assert shown.page.evaluate(broken) == 0


def test_a_keyboard_reaches_the_links_and_the_wide_tables(shown: Shown) -> None:
    reached = []
    for _ in range(len(SECTIONS) + 3):
        shown.page.keyboard.press("Tab")
        reached.append(shown.page.evaluate("document.activeElement.className || document.activeElement.hash"))
    assert reached[0] == "skip"
    assert reached[1 : 1 + len(SECTIONS)] == [f"#{one.id}" for one in SECTIONS]
    assert reached[-1] == "scroll"


def test_a_planted_fault_is_seen(chromium: Browser, tmp_path: Path) -> None:
    """The checks above would notice a request, a console error and a page that is too wide."""
    path = tmp_path / "bad.html"
    wide = '<div style="width: 900px">x</div>'
    path.write_text(f"<script>console.error('no')</script><img src='http://localhost:9/x.png'>{wide}")
    shown = show(chromium, path, width=PHONE, dark=False)
    assert "no" in shown.said
    assert "http://localhost:9/x.png" in shown.asked
    assert shown.page.evaluate("document.documentElement.scrollWidth") > PHONE
    shown.page.context.close()
