"""Pictures come in by every way and each is answered as people read it, by a real service."""

import re
import threading

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Opener
from tests.browser.files import FAKE, REAL, UNCERTAIN, choose, drop_files, payload, picture, settle

pytestmark = pytest.mark.xdist_group("browser")
HELD = 3  # requests at a time


def item(page: Page, name: str):
    return page.locator(".item").filter(has=page.get_by_role("heading", name=name, exact=True))


@pytest.mark.parametrize(
    ("level", "verdict", "share", "meaning"),
    [
        (FAKE, "Fake", "88 %", "Above 80 %, where the model says fake."),
        (REAL, "Real", "12 %", "Below 30 %, where the model says real."),
        (UNCERTAIN, "Uncertain", "50 %", "Between 30 % and 80 %, where the model does not decide."),
    ],
)
def test_a_picture_gets_verdict_probability_and_meaning(
    open_page: Opener, level: int, verdict: str, share: str, meaning: str
) -> None:
    page = open_page()
    choose(page, a_png=level)
    shown = item(page, "a.png")
    expect(shown.locator(".verdict")).to_have_text(f"{verdict}{share} probability of a forgery")
    expect(shown.locator(".verdict .icon")).to_be_visible()
    expect(shown).to_contain_text(meaning)
    scale = shown.get_by_role("img", name=f"Probability of a forgery {share}")
    assert "real below 30 %, fake above 80 %" in str(scale.get_attribute("aria-label"))
    box, value = scale.bounding_box(), scale.locator(".value").bounding_box()
    assert box
    assert value
    at = (value["x"] + value["width"] / 2 - box["x"]) / box["width"]
    assert at == pytest.approx(int(share[:2]) / 100, abs=0.01)


def test_the_sentence_the_attributes_and_the_promises_are_there(open_page: Opener) -> None:
    page = open_page()
    choose(page, a_png=FAKE)
    shown = item(page, "a.png")
    expect(shown.locator(".sentence")).to_contain_text("altered")
    expect(shown.locator("meter").first).to_be_hidden()
    shown.get_by_text("What seems altered").click()
    expect(shown.locator("meter")).to_have_count(9)  # all labels but the root
    expect(shown.locator(".attributes")).to_contain_text("98 %")
    shown.get_by_text("What this means").click()
    expect(shown.locator(".thresholds")).to_contain_text("249 validation reals promise at most 4.0%")
    expect(shown.locator(".thresholds")).to_contain_text("198 validation fakes promise at most 8.0%")


def test_files_are_dropped_anywhere(open_page: Opener) -> None:
    page = open_page()
    files = [payload("a.png", picture(FAKE)), payload("b.png", picture(REAL))]
    drop_files(page, "body", "dragenter", files)
    expect(page.locator("#drop")).to_have_class(re.compile("over"))
    drop_files(page, "footer", "drop", files)
    expect(page.locator("#drop")).not_to_have_class(re.compile("over"))
    settle(page)
    expect(page.locator("#summary")).to_have_text("2 files: 1 fake, 1 real")


def test_a_picture_is_pasted_but_not_into_a_dialog(open_page: Opener) -> None:
    page = open_page()
    drop_files(page, "body", "paste", [payload("image.png", picture(UNCERTAIN))])
    settle(page)
    expect(item(page, "image.png").locator(".verdict")).to_contain_text("Uncertain")
    page.get_by_role("button", name="Model card").click()
    drop_files(page, "body", "paste", [payload("again.png", picture(REAL))])
    expect(page.locator(".item")).to_have_count(1)


def test_the_camera_takes_a_picture_and_is_switched_off(open_page: Opener) -> None:
    page = open_page(permissions=["camera"])
    page.get_by_role("button", name="Use camera").click()
    page.get_by_role("button", name="Take picture").click()
    settle(page)
    expect(page.locator(".item")).to_have_count(1)
    expect(page.locator(".item .verdict")).to_contain_text("probability")
    expect(page.locator("#camera")).to_be_hidden()
    assert page.eval_on_selector("#camera video", "video => video.srcObject") is None


@pytest.mark.parametrize(
    ("error", "said"), [("NotAllowedError", "not allowed"), ("NotFoundError", "No camera was found")]
)
def test_without_a_camera_it_says_so(open_page: Opener, error: str, said: str) -> None:
    script = f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', '{error}'));"
    page = open_page(before=lambda page: page.add_init_script(script))
    page.get_by_role("button", name="Use camera").click()
    expect(page.locator("#camera [role=status]")).to_contain_text(said)
    expect(page.get_by_role("button", name="Take picture")).to_be_disabled()


def test_over_plain_http_from_afar_it_says_why_there_is_no_camera(open_page: Opener) -> None:
    script = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });"
    page = open_page(before=lambda page: page.add_init_script(script))
    page.get_by_role("button", name="Use camera").click()
    expect(page.locator("#camera [role=status]")).to_contain_text("https")


def test_a_large_picture_is_shown_scaled_and_upright(open_page: Opener) -> None:
    page = open_page()
    choose(page, large_jpg=picture(REAL, size=(3000, 1500), kind="JPEG", on_its_side=True))
    image = item(page, "large.jpg").locator("img")
    expect(image).to_have_attribute("alt", "large.jpg")
    assert image.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [360, 720]


def test_a_probability_is_never_rounded_onto_a_threshold(open_page: Opener, service: str) -> None:
    def close(route: Route) -> None:
        answer = route.fetch().json()
        answer["answers"][0]["judgement"] |= {"probability": 0.8004, "verdict": "fake"}
        route.fulfill(json=answer)

    page = open_page(before=lambda page: page.route("**/predict", close))
    choose(page, a_png=FAKE)
    expect(item(page, "a.png")).to_contain_text("80.04 % probability")
    expect(item(page, "a.png")).to_contain_text("Above 80.00 %")


def test_few_requests_at_a_time_with_progress_and_cancel(open_page: Opener) -> None:
    held: list[Route] = []
    page = open_page(before=lambda page: page.route("**/predict", lambda route: held.append(route)))  # noqa: PLW0108
    page.set_input_files("#files", [payload(f"{number}.png", picture(REAL)) for number in range(6)])
    expect(page.locator(".item[data-state=working]")).to_have_count(HELD)
    expect(page.locator("#summary")).to_have_text("0 of 6 files checked")
    assert len(held) == HELD
    held[0].continue_()
    expect(page.locator("#summary")).to_have_text("1 of 6 files checked")
    expect(page.locator("#progress")).to_have_js_property("value", 1)
    expect(page.locator(".item[data-state=working]")).to_have_count(HELD)
    page.get_by_role("button", name="Cancel", exact=True).click()
    settle(page)
    expect(page.locator(".item[data-state=cancelled]")).to_have_count(5)
    assert len(held) == HELD + 1
    page.unroute("**/predict")
    page.get_by_role("button", name="Try again").first.click()
    settle(page)
    expect(page.locator("#summary")).to_have_text("6 files: 2 real, 4 without a verdict")


def test_what_is_removed_is_gone_with_its_memory(open_page: Opener) -> None:
    count = """
        window.lent = new Set();
        const [lend, revoke] = [URL.createObjectURL, URL.revokeObjectURL];
        URL.createObjectURL = (blob) => {
            const address = lend.call(URL, blob);
            window.lent.add(address);
            return address;
        };
        URL.revokeObjectURL = (address) => { window.lent.delete(address); revoke.call(URL, address); };
    """
    page = open_page(before=lambda page: page.add_init_script(count))
    choose(page, a_png=FAKE, b_png=REAL, c_png=UNCERTAIN)
    expect(page.locator(".item img")).to_have_count(3)
    assert page.evaluate("window.lent.size") == 3
    page.get_by_role("button", name="Remove b.png").click()
    expect(page.get_by_role("heading", name="c.png")).to_be_focused()
    expect(page.locator("#summary")).to_have_text("2 files: 1 fake, 1 uncertain")
    assert page.evaluate("window.lent.size") == 2
    page.get_by_role("button", name="Clear list").click()
    expect(page.locator("#results")).to_be_hidden()
    assert page.evaluate("window.lent.size") == 0


def test_removing_a_file_stops_its_request(open_page: Opener) -> None:
    failed = threading.Event()
    page = open_page(before=lambda page: page.route("**/predict", lambda route: None))
    page.on("requestfailed", lambda request: failed.set())
    page.set_input_files("#files", [payload("a.png", picture(REAL))])
    expect(page.locator(".item[data-state=working]")).to_have_count(1)
    page.get_by_role("button", name="Remove a.png").click()
    expect(page.locator("#results")).to_be_hidden()
    page.wait_for_timeout(50)
    assert failed.is_set()


def test_the_list_ends_somewhere_and_says_so(open_page: Opener) -> None:
    page = open_page(before=lambda page: page.route("**/predict", lambda route: None))
    page.set_input_files("#files", [payload(f"{number}.png", b"x") for number in range(203)])
    expect(page.locator("#notice")).to_have_text("The list holds 200 files; 3 files did not fit. Clear it to go on.")
    expect(page.locator(".item")).to_have_count(200)


def test_the_same_file_can_be_chosen_again(open_page: Opener) -> None:
    page = open_page()
    choose(page, a_png=FAKE)
    choose(page, a_png=FAKE)
    expect(page.locator("#summary")).to_have_text("2 files: 2 fake")


def test_names_are_text_and_never_markup(open_page: Opener) -> None:
    page = open_page()
    name = "<img src=x onerror=alert(1)>.png"
    page.set_input_files("#files", [payload(name, picture(REAL))])
    settle(page)
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_a_screen_reader_hears_what_came_in(open_page: Opener) -> None:
    page = open_page()
    choose(page, a_png=FAKE)
    expect(page.get_by_role("status").filter(has_text="a.png")).to_have_text("a.png: Fake, 88 %.")


def test_it_works_below_a_prefix(open_page: Opener, service: str) -> None:
    def strip(route: Route) -> None:
        route.fulfill(response=route.fetch(url=route.request.url.replace("/desk/", "/")))

    page = open_page()
    page.route(f"{service}/desk/**", strip)
    page.goto(f"{service}/desk/ui")
    choose(page, a_png=FAKE)
    expect(item(page, "a.png").locator(".verdict")).to_contain_text("Fake")
