"""The page as a browser shows it, on a phone and on a desktop, light and dark."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.devtools import Browser, binary, browser
from unmask.evaluation.report.page import SECTIONS, write_report

PROGRAM = binary()
pytestmark = [
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium on PATH (Debian: apt-get install chromium)"),
    pytest.mark.xdist_group("browser"),
]
PHONE, DESKTOP = 390, 1280
LUMINANCE = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b) / 3"
NARROW = """
    [...document.querySelectorAll("p, li, h1, h2, h3, figcaption")]
        .filter(each => each.clientWidth && each.scrollWidth > each.clientWidth + 1).length
"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(str(PROGRAM), tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def report(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(whole, path)
    return path


@pytest.fixture(params=[(PHONE, False), (PHONE, True), (DESKTOP, False), (DESKTOP, True)], ids=str)
def shown(request: pytest.FixtureRequest, chromium: Browser, report: Path) -> tuple[Browser, int, bool]:
    width, dark = request.param
    chromium.show(report, width=width, dark=dark)
    return chromium, width, dark


def test_the_page_is_whole_quiet_and_fits(shown: tuple[Browser, int, bool], report: Path) -> None:
    chromium, width, dark = shown
    said = [event for event in chromium.events if event["method"] in {"Log.entryAdded", "Runtime.consoleAPICalled"}]
    failed = [event for event in chromium.events if event["method"] == "Runtime.exceptionThrown"]
    asked = [
        event["params"]["request"]["url"] for event in chromium.events if event["method"] == "Network.requestWillBeSent"
    ]
    assert not said + failed
    assert {address for address in asked if not address.startswith("data:")} == {report.as_uri()}
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width
    assert chromium.evaluate(NARROW) == 0
    assert chromium.evaluate("document.querySelectorAll('main > section > h2').length") == len(SECTIONS)
    assert (chromium.evaluate(LUMINANCE) < 60) is dark


def test_pictures_are_decoded(shown: tuple[Browser, int, bool]) -> None:
    broken = "[...document.images].filter(image => !(image.complete && image.naturalWidth)).length"
    assert shown[0].evaluate("document.images.length") == 2
    assert shown[0].evaluate(broken) == 0


def test_a_keyboard_reaches_the_links_and_the_wide_tables(shown: tuple[Browser, int, bool]) -> None:
    chromium = shown[0]
    reached = []
    for _ in range(len(SECTIONS) + 3):
        for kind in ("keyDown", "keyUp"):
            chromium.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        reached.append(chromium.evaluate("document.activeElement.className || document.activeElement.hash"))
    assert reached[0] == "skip"
    assert reached[1 : 1 + len(SECTIONS)] == [f"#{one.id}" for one in SECTIONS]
    assert reached[-1] == "scroll"


def test_a_planted_fault_is_seen(chromium: Browser, tmp_path: Path) -> None:
    """The checks above would notice a request, a console error and a page that is too wide."""
    path = tmp_path / "bad.html"
    wide = '<div style="width: 900px">x</div>'
    path.write_text(f"<script>console.error('no')</script><img src='http://localhost:9/x.png'>{wide}")
    chromium.show(path, width=PHONE, dark=False)
    methods = {event["method"] for event in chromium.events}
    assert {"Runtime.consoleAPICalled", "Network.requestWillBeSent"} <= methods
    assert chromium.evaluate("document.documentElement.scrollWidth") > PHONE
