"""Clips, activation maps and faces."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Opener
from tests.browser.files import FAKE, REAL, UNCERTAIN, choose, clip, picture

pytestmark = pytest.mark.xdist_group("browser")
LEVELS = [REAL] * 8 + [FAKE] * 4 + [UNCERTAIN] * 4


def changed(path: str, **values: Any):
    """Route PATH so that the service's answer has other values."""

    def before(page: Page) -> None:
        def change(route: Route) -> None:
            route.fulfill(json=route.fetch().json() | values)

        page.route(path, change)

    return before


def test_a_clip_has_a_time_line_with_verdict_and_table(open_page: Opener) -> None:
    page = open_page()
    choose(page, a_webm=clip(LEVELS))
    expect(page.locator(".verdict strong").first).to_have_text(re.compile("Real|Uncertain|Fake"))
    dots = page.locator(".plot circle")
    assert {dot.get_attribute("class") for dot in dots.all()} == {"real", "fake", "uncertain"}
    page.get_by_text("frames as a table").click()
    expect(page.locator(".item tbody tr")).to_have_count(dots.count())
    expect(page.get_by_role("columnheader")).to_have_text(["Time", "Probability", "Verdict"])
    heights = [float(dot.get_attribute("cy").rstrip("%")) for dot in dots.all()]
    shares = [int(re.search(r"\d+", row.inner_text())[0]) for row in page.locator(".item tbody td:nth-child(2)").all()]
    assert heights == pytest.approx([100 - share for share in shares], abs=0.6)


def test_the_cursor_starts_at_the_most_suspect_frame_and_follows_keys_and_pointer(open_page: Opener) -> None:
    page = open_page()
    choose(page, a_webm=clip(LEVELS))
    slider, said = page.get_by_role("slider", name="Frame of the clip"), page.locator(".at")
    expect(said).to_contain_text("fake")
    slider.focus()
    page.keyboard.press("Home")
    expect(said).to_contain_text("0.0 s")
    expect(said).to_contain_text("real")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"0\.0 s: \d+ %, real"))
    page.keyboard.press("End")
    expect(said).to_contain_text("uncertain")
    seeked = "video => video.seeking ? new Promise(done => { video.onseeked = done }) : null"
    page.locator(".item video").evaluate(seeked)
    assert page.locator(".item video").evaluate("video => video.currentTime") > 1
    page.locator(".plot").hover(position={"x": 2, "y": 40})
    expect(said).to_contain_text("0.0 s")


def test_frames_without_a_face_are_in_the_table_and_not_in_the_chart(open_page: Opener) -> None:
    frames = [{"time_s": 0, "probability": 0.9, "verdict": "fake"}, {"time_s": 1, "probability": None, "verdict": None}]
    page = open_page(before=changed("**/predict_clip", frames=frames, duration_s=2))
    choose(page, a_webm=clip(LEVELS))
    expect(page.locator(".plot circle")).to_have_count(1)
    page.get_by_text("All 2 frames as a table").click()
    expect(page.locator(".item tbody tr").nth(1)).to_contain_text("No face found")


def test_no_frame_reads_like_a_threshold_that_it_is_not(open_page: Opener) -> None:
    frames = [{"time_s": 0, "probability": 0.7996, "verdict": "uncertain"}]
    page = open_page(before=changed("**/predict_clip", frames=frames))
    choose(page, a_webm=clip(LEVELS))
    expect(page.locator(".at")).to_have_text("0.0 s: 79.96 %, uncertain")
    expect(page.locator(".plot text")).to_have_text(["fake > 80.00 %", "real < 30.00 %"])


def test_a_clip_without_any_face_has_no_verdict(open_page: Opener) -> None:
    frames = [{"time_s": 0, "probability": None, "verdict": None}]
    page = open_page(before=changed("**/predict_clip", frames=frames, judgement=None))
    choose(page, a_webm=clip(LEVELS))
    expect(page.locator(".item")).to_contain_text("it found none in this clip")


def test_a_map_is_laid_over_its_place_and_fades(open_page: Opener) -> None:
    answers: list[dict[str, Any]] = []
    page = open_page()
    page.on("response", lambda answer: answers.append(answer.json()) if answer.url.endswith("/explain") else None)
    choose(page, a_png=picture(FAKE, size=(96, 64)))
    expect(page.locator(".map")).to_be_hidden()
    page.get_by_role("button", name="Show where").click()
    slider = page.get_by_role("slider", name="Highlight")
    expect(slider).to_be_focused()
    expect(page.get_by_text("no proof of where it was made")).to_be_visible()
    x0, y0, x1, y1 = answers[0]["box"]
    shown = page.locator(".map")
    assert [float(shown.get_attribute(name)) for name in ("x", "y", "width", "height")] == [x0, y0, x1 - x0, y1 - y0]
    expect(page.locator(".over")).to_have_attribute("viewBox", "0 0 96 64")
    picture_box, over_box = page.locator(".frame img").bounding_box(), page.locator(".over").bounding_box()
    assert picture_box == over_box
    slider.press("Home")
    expect(shown).to_have_css("opacity", "0")


def test_what_is_real_has_no_map_and_a_refused_map_is_said(open_page: Opener) -> None:
    page = open_page(refusals=True)
    choose(page, a_png=REAL)
    expect(page.get_by_role("button", name="Show where")).to_have_count(0)
    page.route("**/explain", lambda route: route.fulfill(status=429, json={"error": "busy"}))
    choose(page, b_png=FAKE)
    button = page.get_by_role("button", name="Show where")
    button.click()
    expect(page.get_by_role("status").filter(has_text="The service is busy.")).to_be_visible()
    expect(button).to_be_enabled()


# The model that finds faces is an extra, so its answers are put in here; their shape is that of answers.Face.
def with_faces(*faces: dict[str, Any]):
    def before(page: Page) -> None:
        def change(route: Route) -> None:
            answer = route.fetch().json()
            judged = answer["answers"][0]["judgement"]
            answer["answers"][0]["faces"] = [judged | {"score": 0.9} | face for face in faces]
            if not faces:
                answer["answers"][0]["judgement"] = None
            route.fulfill(body=json.dumps(answer), content_type="application/json")

        page.route("**/predict", change)

    return before


def test_faces_are_boxed_numbered_and_listed(open_page: Opener) -> None:
    faces = (
        {"box": [4, 6, 24, 30], "verdict": "fake", "probability": 0.88},
        {"box": [28, 6, 44, 30], "verdict": "real", "probability": 0.1},
    )
    page = open_page(before=with_faces(*faces))
    choose(page, a_png=FAKE)
    boxes = page.locator(".face rect:not(.under)")
    expect(boxes).to_have_count(2)
    place = [boxes.nth(0).get_attribute(name) for name in ("x", "y", "width", "height")]
    assert place == ["4", "6", "20", "24"]
    expect(page.locator(".face text")).to_have_text(["1", "2"])
    expect(page.locator(".faces li")).to_have_text(["Fake, 88 %", "Real, 10 %"])
    expect(page.locator(".item")).to_contain_text("that of the most suspect of 2 faces")


def test_faces_that_are_too_small_are_named(open_page: Opener) -> None:
    def small(route: Route) -> None:
        answer = route.fetch().json()
        answer["answers"][0] |= {"judgement": None, "faces": [], "small_faces": 2}
        route.fulfill(json=answer)

    page = open_page(before=lambda page: page.route("**/predict", small))
    choose(page, a_png=FAKE)
    expect(page.locator(".item")).to_contain_text("it found only faces that are too small in this picture")


def test_the_page_says_how_pictures_are_taken(open_page: Opener) -> None:
    expect(open_page().locator("#taken")).to_have_text("One face should fill the picture.")
    page = open_page(before=changed("**/model", faces="mediapipe"))
    expect(page.locator("#taken")).to_have_text("Each face in a picture is judged.")


def test_one_face_is_boxed_without_a_list(open_page: Opener) -> None:
    page = open_page(before=with_faces({"box": [4, 6, 24, 30]}))
    choose(page, a_png=FAKE)
    expect(page.locator(".face rect:not(.under)")).to_have_count(1)
    expect(page.locator(".faces")).to_have_count(0)


def test_a_picture_without_a_face_has_no_verdict(open_page: Opener) -> None:
    page = open_page(before=with_faces())
    choose(page, a_png=FAKE)
    expect(page.locator(".verdict")).to_have_text("No face found")
    expect(page.get_by_role("button", name="Report a wrong verdict")).to_have_count(0)
    expect(page.locator("#summary")).to_have_text("1 file: 1 without a verdict")
