"""Everything is done with the keyboard alone."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.files import FAKE, choose, payload, picture, settle

pytestmark = pytest.mark.xdist_group("browser")
FOCUSED = "(one => one.getAttribute('aria-label') || one.innerText || one.id)(document.activeElement)"
OUTLINE = "getComputedStyle(document.activeElement).outlineStyle"


def tab_to(page: Page, name: str) -> list[str]:
    """Press Tab until NAME has the focus; what had it on the way, each with a visible ring."""
    passed: list[str] = []
    while not passed or passed[-1] != name:
        assert len(passed) < 30, passed
        page.keyboard.press("Tab")
        passed.append(page.evaluate(FOCUSED).strip())
        assert page.evaluate(OUTLINE) != "none", passed
    return passed


def test_a_file_is_chosen_judged_explained_and_reported(open_page: Opener) -> None:
    page = open_page()
    page.on("filechooser", lambda chooser: None)  # choosers are taken over from now on, and not from the key press on
    expect(page.get_by_role("button", name="Model card")).to_be_visible()
    assert tab_to(page, "Choose files") == ["Skip to the results", "Choose files"]
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([payload("a.png", picture(FAKE))])
    settle(page)
    passed = tab_to(page, "Report a wrong verdict")
    steps = ["Use camera", "Download CSV", "Clear list", "Remove a.png", "What seems altered", "What this means"]
    assert passed == [*steps, "Show where", "Report a wrong verdict"]
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Real: a photograph")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(dialog.get_by_label("Fake: forged or generated")).to_be_checked()
    page.keyboard.press("ArrowUp")
    expect(dialog.get_by_label("Real: a photograph")).to_be_checked()
    tab_to(page, "Send report")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Reported as real.")).to_be_focused()


def test_focus_stays_in_a_dialog_and_comes_back(open_page: Opener) -> None:
    page = open_page()
    choose(page, a_png=FAKE)
    opener = page.get_by_role("button", name="Report a wrong verdict")
    opener.focus()
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_the_skip_link_leads_to_the_results(open_page: Opener) -> None:
    page = open_page()
    choose(page, a_png=FAKE)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Results")).to_be_focused()


def test_the_list_reads_as_a_list(open_page: Opener) -> None:
    page = open_page()
    choose(page, a_png=FAKE, b_png=FAKE)
    results = page.get_by_role("region", name="Results")
    expect(results.get_by_role("list").first.get_by_role("heading", level=3)).to_have_text(["a.png", "b.png"])
