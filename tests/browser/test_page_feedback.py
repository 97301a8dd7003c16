"""The dialogs: reporting a wrong verdict, reading the model card."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Opener
from tests.browser.files import FAKE, REAL, choose, clip, refuse

pytestmark = pytest.mark.xdist_group("browser")
FEEDBACK = "**/feedback"


def open_report(page: Page, **files: bytes | int):
    choose(page, **files)
    page.get_by_role("button", name="Report a wrong verdict").click()
    return page.get_by_role("dialog", name="Report a wrong verdict")


def reports(page: Page) -> list[bytes]:
    """Bodies of the reports that PAGE sends from now on."""
    sent: list[bytes] = []

    def see(route: Route) -> None:
        sent.append(route.request.post_data_buffer or b"")
        route.continue_()

    # The browser tells what a file's body is only of requests that are held up.
    page.route(FEEDBACK, see)
    return sent


def test_a_report_without_consent_keeps_the_picture_here(open_page: Opener) -> None:
    page = open_page()
    sent = reports(page)
    dialog = open_report(page, a_png=FAKE)
    expect(dialog).to_contain_text("a.png was judged fake.")
    dialog.get_by_label("Real: a photograph").check()
    dialog.get_by_label("How do you know?").fill("I took it, on 3 May")
    dialog.get_by_role("button", name="Send report").click()
    expect(dialog).to_be_hidden()
    thanks = page.get_by_text("Reported as real. Thank you.")
    expect(thanks).to_be_focused()
    expect(thanks).not_to_contain_text("kept")
    expect(page.get_by_role("button", name="Report a wrong verdict")).to_have_count(0)
    assert b"I took it, on 3 May" in sent[0]
    assert b"PNG" not in sent[0]


def test_with_consent_the_picture_goes_along(open_page: Opener) -> None:
    page = open_page()
    sent = reports(page)
    dialog = open_report(page, a_png=REAL)
    dialog.get_by_label("Fake: forged or generated").check()
    dialog.get_by_label("Send the picture, too").check()
    dialog.get_by_role("button", name="Send report").click()
    expect(page.get_by_text("Reported as fake. Thank you. The picture was kept, too.")).to_be_visible()
    assert b'filename="a.png"' in sent[0]


def test_nothing_is_sent_without_an_answer_or_after_cancel(open_page: Opener) -> None:
    page = open_page()
    sent = reports(page)
    dialog = open_report(page, a_png=FAKE)
    dialog.get_by_role("button", name="Send report").click()
    expect(dialog).to_be_visible()
    dialog.get_by_label("Send the picture, too").check()
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Report a wrong verdict")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_label("Send the picture, too")).not_to_be_checked()
    assert not sent


def test_a_clip_is_never_sent_along(open_page: Opener) -> None:
    dialog = open_report(open_page(), a_webm=clip([FAKE] * 4))
    expect(dialog.get_by_label("Send the picture, too")).to_be_hidden()


def test_a_refused_report_is_not_lost(open_page: Opener) -> None:
    page = open_page(refusals=True, before=lambda page: page.route(FEEDBACK, refuse(507, "the inbox is full")))
    dialog = open_report(page, a_png=FAKE)
    dialog.get_by_label("Real: a photograph").check()
    dialog.get_by_label("How do you know?").fill("because")
    dialog.get_by_role("button", name="Send report").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Not sent.")
    expect(dialog.get_by_role("alert")).to_contain_text("The inbox is full.")
    expect(dialog.get_by_label("How do you know?")).to_have_value("because")
    page.unroute(FEEDBACK)
    dialog.get_by_role("button", name="Send report").click()
    expect(page.get_by_text("Reported as real.")).to_be_visible()


def test_the_footer_says_which_model_and_data_and_opens_the_card(open_page: Opener) -> None:
    page = open_page()
    expect(page.locator("#model")).to_contain_text("d41d8cd98f00b204e9800998ecf8427e.dir")
    expect(page.locator("#model")).to_contain_text("drawn")
    expect(page.locator("#data-note")).to_have_text("About this model's data: drawn")
    opener = page.get_by_role("button", name="Model card")
    opener.click()
    card = page.get_by_role("dialog", name="Model card")
    expect(card.get_by_role("heading", name="Intended use")).to_be_visible()
    expect(card.get_by_role("row", name="Labels ffpp")).to_be_visible()
    expect(card.get_by_role("listitem").filter(has_text="It must not be the only ground")).to_be_attached()
    assert "**" not in card.inner_text()
    assert "| " not in card.inner_text()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_a_person_learns_before_sending_whether_pictures_are_kept(open_page: Opener) -> None:
    kept = open_page().locator("#kept")
    expect(kept).to_have_text("It keeps none that you do not send with a report.")

    def captures(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | {"capture": "uncertain"})

    kept = open_page(before=lambda page: page.route("**/model", captures)).locator("#kept")
    expect(kept).to_have_text("It keeps pictures that it calls uncertain for a while, to learn from them.")


def test_another_model_is_noticed(open_page: Opener) -> None:
    page = open_page()
    expect(page.get_by_role("button", name="Model card")).to_be_visible()

    def newer(route):
        route.fulfill(json=route.fetch().json() | {"model_version": "newer"})

    page.route("**/predict", newer)
    page.route("**/model", newer)
    choose(page, a_png=REAL)
    expect(page.locator("#model")).to_contain_text("Model newer")
