from pathlib import Path

import pytest
from starlette.testclient import TestClient

from unmask.service_settings import load_serving
from unmask.serving.app import create_app
from unmask.serving.routes.page import FILES, FOLDER, INDEX

LONGEST = 200
STARTS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@pytest.fixture(scope="module")
def client(project: Path) -> TestClient:
    return TestClient(create_app(load_serving(project / "params.yaml", {})), raise_server_exceptions=False)


def test_the_page_is_html_that_names_only_files_of_its_own(client: TestClient) -> None:
    answer = client.get("/ui")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "http:" not in answer.text
    assert "https:" not in answer.text
    assert " style=" not in answer.text
    assert "<script>" not in answer.text


def test_a_slash_too_many_leads_to_the_page(client: TestClient) -> None:
    assert client.get("/ui/").url.path == "/ui"


@pytest.mark.parametrize("name", sorted(FILES))
def test_each_file_is_sent_with_its_type(client: TestClient, name: str) -> None:
    answer = client.get(f"/ui/{name}")
    assert answer.status_code == 200
    assert answer.content == (FOLDER / name).read_bytes()
    assert answer.headers["content-type"].startswith(STARTS[Path(name).suffix])


def test_every_file_of_the_folder_is_sent() -> None:
    assert {file.name for file in FOLDER.iterdir()} == FILES | {INDEX}


def test_a_file_that_has_not_changed_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/ui/page.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/ui/page.js", headers={"If-None-Match": f'W/"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert client.get("/ui/page.js", headers={"If-None-Match": '"other"'}).content == first.content


@pytest.mark.parametrize("name", ["index.html", "__init__.py", "..%2fapp.py", "%2e%2e/app.py", "page.js%00", "PAGE.JS"])
def test_nothing_else_is_sent(client: TestClient, name: str) -> None:
    answer = client.get(f"/ui/{name}")
    assert answer.status_code == 404
    assert set(answer.json()) == {"error", "request_id"}


def test_the_page_is_no_part_of_the_described_api(client: TestClient) -> None:
    assert not [path for path in client.get("/openapi.json").json()["paths"] if path.startswith("/ui")]


@pytest.mark.parametrize("name", sorted(name for name in FILES if name.endswith(".js")))
def test_no_script_is_long_or_writes_markup(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert len(text.splitlines()) < LONGEST
    assert not [
        word for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(") if word in text
    ]
