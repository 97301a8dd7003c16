"""What the service refuses is said in words, with a way on where there is one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Opener
from tests.browser.files import FAKE, REAL, choose, drop_files, payload, picture, refuse, settle

pytestmark = pytest.mark.xdist_group("browser")
MODEL = "**/model"
PREDICT = "**/predict"
LARGE = "This file is too large for the service."


def test_a_file_that_is_no_picture_is_refused_in_the_services_words(open_page: Opener) -> None:
    page = open_page(refusals=True)
    choose(page, notes_pdf=b"%PDF-1.4", a_png=REAL)
    expect(page.locator(".item[data-state=failed] .error")).to_have_text(
        "The service could not use this file. Not a JPEG, PNG, WebP, BMP or TIFF picture, but a PDF."
    )
    expect(page.locator("#summary")).to_have_text("2 files: 1 real, 1 without a verdict")
    expect(page.locator(".item[data-state=failed]").get_by_role("button", name="Try again")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "said", "again"),
    [
        (413, LARGE, False),
        (415, "This kind of file is not checked here.", False),
        (429, "The service is busy.", True),
        (500, "The service failed.", True),
        (501, "This service can't check files of this kind.", False),
        (504, "The service took too long.", True),
    ],
)
def test_each_refusal_has_its_words(open_page: Opener, status: int, said: str, again: bool) -> None:
    reason = "at most 30 MB"
    page = open_page(refusals=True, before=lambda page: page.route(PREDICT, refuse(status, reason)))
    choose(page, a_png=REAL)
    shown = page.locator(".item .error")
    expect(shown).to_contain_text(said)
    expect(shown).to_contain_text("At most 30 MB.")
    assert page.get_by_role("button", name="Try again").is_visible() is again


def test_a_busy_service_is_asked_again_when_it_says(open_page: Opener) -> None:
    asked = []

    def busy_once(route: Route) -> None:
        asked.append(route)
        if len(asked) == 1:
            refuse(429, Retry_After="1")(route)
        else:
            route.continue_()

    page = open_page(refusals=True, before=lambda page: page.route(PREDICT, busy_once))
    page.set_input_files("#files", [payload("a.png", picture(FAKE))])
    expect(page.locator(".item")).to_contain_text("The service is busy. Trying again in 1 s.")
    expect(page.locator(".verdict")).to_contain_text("Fake")
    assert len(asked) == 2


def test_a_busy_service_is_not_waited_for_longer_than_a_minute(open_page: Opener) -> None:
    page = open_page(refusals=True, before=lambda page: page.route(PREDICT, refuse(429, Retry_After="3600")))
    choose(page, a_png=REAL)
    expect(page.locator(".item .error")).to_contain_text("busy")


def test_without_a_connection_it_says_so_and_goes_on_later(open_page: Opener) -> None:
    page = open_page(refusals=True)
    expect(page.get_by_role("button", name="Model card")).to_be_visible()
    page.context.set_offline(True)
    choose(page, a_png=REAL)
    expect(page.locator(".item .error")).to_contain_text("can't be reached")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".verdict")).to_contain_text("Real")
    expect(page.get_by_role("heading", name="a.png")).to_be_focused()


def test_a_folder_is_named_as_what_it_is(open_page: Opener) -> None:
    unreadable = "Blob.prototype.arrayBuffer = () => Promise.reject(new DOMException('', 'NotFoundError'));"
    page = open_page(before=lambda page: page.add_init_script(unreadable))
    drop_files(page, "body", "drop", [payload("holidays", b"")])
    settle(page)
    expect(page.locator(".item .error")).to_contain_text("Is it a folder, or was it moved?")


def asks_for(token: str):
    """Routes that let nobody in without TOKEN."""

    def guard(route: Route) -> None:
        given = route.request.headers.get("authorization")
        if given == f"Bearer {token}":
            route.continue_()
        else:
            refuse(401, "a token is needed")(route)

    def before(page: Page) -> None:
        page.route(MODEL, guard)
        page.route(PREDICT, guard)

    return before


def test_a_token_is_asked_for_and_kept_in_memory_only(open_page: Opener) -> None:
    page = open_page(refusals=True, before=asks_for("s3cret"))
    field = page.get_by_label("This service asks for an access token.")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("type", "password")
    page.set_input_files("#files", [payload("a.png", picture(FAKE)), payload("b.png", picture(REAL))])
    expect(page.locator(".item[data-state=waiting]")).to_have_count(2)
    field.fill("wrong")
    field.press("Enter")
    expect(page.get_by_text("That token was not accepted.")).to_be_visible()
    field.fill("not a word ü")
    field.press("Enter")
    expect(page.get_by_text("A token is one word")).to_be_visible()
    field.fill("s3cret")
    field.press("Enter")
    settle(page)
    expect(page.locator("#summary")).to_have_text("2 files: 1 fake, 1 real")
    expect(page.get_by_role("button", name="Model card")).to_be_visible()
    kept = "[{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, document.body.innerHTML]"
    assert "s3cret" not in str(page.evaluate(kept))
    assert page.context.cookies() == []


@pytest.fixture(scope="module")
def strict(serve: Any, wait_until_it_answers: Any, project: Path, shared_bundle: Path) -> Iterator[str]:
    """The address of a real service that asks for a token and takes little."""
    limits = {"UNMASK_TOKENS": "s3cret", "UNMASK_SERVING_LIMITS_REQUEST_MEGABYTES": "2.0"}
    limits |= {"UNMASK_SERVING_LIMITS_PICTURE_MEGABYTES": "1.0", "UNMASK_SERVING_LIMITS_CLIP_MEGABYTES": "1.0"}
    with serve(".", cwd=project, bundle=shared_bundle, environment=limits) as (process, client, _):
        wait_until_it_answers(process, client)
        yield str(client.base_url).rstrip("/")


def test_a_real_service_asks_for_its_token_and_names_its_limits(open_page: Opener, strict: str) -> None:
    page = open_page(refusals=True, address=strict)
    field = page.get_by_label("This service asks for an access token.")
    field.fill("s3cret")
    field.press("Enter")
    expect(page.get_by_role("button", name="Model card")).to_be_visible()
    choose(page, a_png=FAKE, large_png=bytes(1_500_000), larger_png=bytes(3_000_000), clip_mp4=picture(FAKE))
    expect(page.locator(".item .verdict")).to_have_count(1)
    expect(page.locator(".item[data-state=failed] .error strong")).to_have_text(
        [
            LARGE,
            LARGE,
            "This kind of file is not checked here. Use JPEG, PNG, WebP, BMP or TIFF, or a clip.",
        ]
    )


def test_a_model_that_cannot_be_asked_for_is_no_end(open_page: Opener) -> None:
    page = open_page(refusals=True, before=lambda page: page.route(MODEL, refuse(503)))
    expect(page.locator("#model")).to_have_text("The service is not ready. Try again in a moment.")
    expect(page.get_by_role("button", name="Model card")).to_be_hidden()
    page.unroute(MODEL)
    choose(page, a_png=REAL)
    expect(page.get_by_role("button", name="Model card")).to_be_visible()


def test_an_answer_that_makes_no_sense_is_no_verdict(open_page: Opener) -> None:
    page = open_page(before=lambda page: page.route(PREDICT, lambda route: route.fulfill(body="<html>")))
    choose(page, a_png=REAL)
    expect(page.locator(".item .error")).to_contain_text("The service failed.")
    expect(page.locator(".verdict")).to_have_count(0)
