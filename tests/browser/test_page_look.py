"""Each state of the page at several sizes, light and dark: nothing sticks out, and axe finds nothing serious."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Opener
from tests.browser.files import FAKE, REAL, UNCERTAIN, choose, clip, payload, picture, settle

pytestmark = pytest.mark.xdist_group("browser")
SIZES = [(320, "dark"), (390, "light"), (768, "dark"), (1280, "light"), (1280, "dark")]
LUMINANCE = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b) / 3"
SERIOUS = {"serious", "critical"}


def empty(page: Page) -> None:
    expect(page.get_by_role("button", name="Model card")).to_be_visible()


def results(page: Page) -> None:
    choose(page, **{"a_png": FAKE, "b_png": REAL, f"{'long' * 40}_png": UNCERTAIN})
    for summary in page.locator(".item").first.locator("summary").all():
        summary.click()
    page.get_by_role("button", name="Show where").first.click()
    expect(page.get_by_role("slider", name="Highlight")).to_be_visible()


def a_clip(page: Page) -> None:
    choose(page, a_webm=clip([REAL] * 4 + [FAKE] * 4))
    page.get_by_text("frames as a table").click()


def an_error(page: Page) -> None:
    choose(page, notes_pdf=b"%PDF")


def report(page: Page) -> None:
    choose(page, a_png=FAKE)
    page.get_by_role("button", name="Report a wrong verdict").click()


def card(page: Page) -> None:
    page.get_by_role("button", name="Model card").click()


def camera(page: Page) -> None:
    page.get_by_role("button", name="Use camera").click()
    expect(page.get_by_role("button", name="Take picture")).to_be_enabled()


@pytest.mark.parametrize("state", [empty, results, a_clip, an_error, report, card, camera])
def test_every_state_fits_and_is_accessible(open_page: Opener, state: Callable[[Page], None]) -> None:
    page = open_page(refusals=True, permissions=["camera"])
    state(page)
    for width, scheme in SIZES:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{width} px"
        assert (page.evaluate(LUMINANCE) < 60) is (scheme == "dark")
        found = Axe().run(page).response["violations"]
        assert not [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in SERIOUS], scheme


def test_a_planted_fault_is_found(open_page: Opener) -> None:
    page = open_page()
    page.evaluate("document.body.append(Object.assign(document.createElement('img'), { src: 'ui/icon.svg' }))")
    assert [one["id"] for one in Axe().run(page).response["violations"] if one["impact"] in SERIOUS] == ["image-alt"]


@pytest.mark.parametrize(("width", "level"), [(390, REAL), (1280, REAL), (1280, FAKE)])
def test_an_answer_moves_nothing_that_was_there(open_page: Opener, width: int, level: int) -> None:
    """An answer of the usual length has its room kept: the list does not jump while it is read."""
    held: list[Route] = []
    page = open_page(width=width, before=lambda page: page.route("**/predict", lambda route: held.append(route)))  # noqa: PLW0108
    page.set_input_files("#files", [payload(name, picture(level)) for name in ("a.png", "b.png")])
    expect(page.locator(".item img")).to_have_count(2)
    before = page.locator(".item").nth(1).bounding_box()
    for route in held:
        route.continue_()
    settle(page)
    expect(page.locator(".verdict")).to_have_count(2)
    after = page.locator(".item").nth(1).bounding_box()
    assert before
    assert after
    assert (before["x"], before["y"]) == (after["x"], after["y"])


def test_motion_stops_where_it_is_not_wanted(open_page: Opener) -> None:
    page = open_page(reduced_motion="reduce", before=lambda page: page.route("**/predict", lambda route: None))
    page.set_input_files("#files", [{"name": "a.png", "mimeType": "image/png", "buffer": b"x"}])
    name = "getComputedStyle(document.querySelector('.busy'), '::before').animationName"
    expect(page.locator(".busy")).to_be_visible()
    assert page.evaluate(name) == "none"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(name) == "turn"
