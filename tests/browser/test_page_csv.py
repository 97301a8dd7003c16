"""The list as CSV: what a spreadsheet reads of it."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opener
from tests.browser.files import FAKE, REAL, choose, payload, picture, settle

pytestmark = pytest.mark.xdist_group("browser")
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def download(page: Page) -> list[dict[str, str]]:
    with page.expect_download() as started:
        page.get_by_role("button", name="Download CSV").click()
    assert started.value.suggested_filename == "unmask.csv"
    text = Path(started.value.path()).read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_file_has_its_row_with_all_that_was_answered(open_page: Opener) -> None:
    page = open_page(refusals=True)
    choose(page, a_png=FAKE, b_png=REAL, notes_pdf=b"%PDF")
    rows = download(page)
    assert [row["file"] for row in rows] == ["a.png", "b.png", "notes.pdf"]
    assert [row["state"] for row in rows] == ["done", "done", "failed"]
    assert [row["verdict"] for row in rows] == ["fake", "real", ""]
    assert float(rows[0]["probability"]) == pytest.approx(0.8808)
    assert (rows[0]["real_below"], rows[0]["fake_above"]) == ("0.3", "0.8")
    assert rows[0]["attribute: mouth"]
    assert rows[0]["data_hash"] == "d41d8cd98f00b204e9800998ecf8427e.dir"
    assert rows[0]["id"].startswith(rows[0]["request_id"])
    assert "a PDF" in rows[2]["error"]


def test_names_do_no_harm_in_a_spreadsheet(open_page: Opener) -> None:
    names = ["=1+1.png", "+1.png", "-1.png", "@SUM(A1).png", 'a, "b"\n.png', "ü.png"]
    page = open_page()
    page.set_input_files("#files", [payload(name, picture(REAL)) for name in names])
    settle(page)
    expect(page.locator(".item")).to_have_count(len(names))
    rows = download(page)
    assert [row["file"] for row in rows] == [f"'{name}" if name.startswith(FORMULAS) else name for name in names]


def test_any_text_comes_back_as_it_was(open_page: Opener) -> None:
    page = open_page()

    @given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1, max_size=20))
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def holds(texts: list[str]) -> None:
        line = page.evaluate(
            "async (texts) => texts.map((await import('/ui/csv.js')).cell).join(',')",
            texts,
        )
        defused = [f"'{text}" if text.startswith(FORMULAS) else text for text in texts]
        assert next(csv.reader(io.StringIO(f"{line},end\r\n", newline=""))) == [*defused, "end"]

    holds()
