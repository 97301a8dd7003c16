import pytest

from unmask.serving.guard.origins import Origins

DESK = "https://desk.example.org"


@pytest.fixture
def app(guarded, echo):
    return guarded(Origins, echo, origins=[DESK])


@pytest.fixture
def closed(guarded, echo):
    return guarded(Origins, echo, origins=[])


def cors(told):
    return {name for name in told.headers if name.startswith("access-control")}


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("localhost:3000", "http://localhost:3000"),
        ("LOCALHOST:3000", "http://localhost:3000"),
        ("[::1]:3000", "http://[::1]:3000"),
        ("192.168.1.5", "https://192.168.1.5"),
        ("desk", "http://desk"),
        ("a.localhost", "http://a.localhost"),
    ],
)
def test_its_own_page_may_post(ask, closed, host, origin):
    told = ask(closed, headers={"host": host, "origin": origin})
    assert told.status == 200
    assert not cors(told)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("127.0.0.1:3000", "http://evil.example"),
        ("127.0.0.1:3000", "http://127.0.0.1:3001"),
        ("127.0.0.1:3000", "null"),
        ("127.0.0.1:3000", ""),
        ("127.0.0.1:3000", "http://[broken"),
        ("127.0.0.1:3000", "file://"),
        ("", "http://"),
        ("evil.example", "http://evil.example"),  # a name that its owner lets point here (DNS rebinding)
        ("127.0.0.1.evil.example", "http://127.0.0.1.evil.example"),
        ("evil.localhost.example", "http://evil.localhost.example"),
        ("localhost.", "http://localhost."),
    ],
)
def test_pages_from_elsewhere_may_not(ask, closed, host, origin):
    told = ask(closed, headers={"host": host, "origin": origin})
    assert (told.status, told.taken) == (403, 0)
    assert "serving.origins" in told.json["error"]
    assert not cors(told)


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_a_form_without_an_origin_is_known_by_its_site(ask, closed, site, status):
    assert ask(closed, headers={"sec-fetch-site": site}).status == status


def test_a_program_needs_no_origin(ask, closed):
    assert ask(closed, headers={"host": "unmask.example.org"}).status == 200


def test_a_listed_page_may_post_and_read(ask, app):
    told = ask(app, headers={"host": "unmask.example.org", "origin": DESK})
    assert (told.status, told.headers["access-control-allow-origin"], told.headers["vary"]) == (200, DESK, "Origin")
    assert "X-Request-ID" in told.headers["access-control-expose-headers"]


def test_a_page_that_is_not_listed_reads_nothing(ask, app):
    told = ask(app, method="GET", headers={"host": "unmask.example.org", "origin": "https://evil.example"})
    assert (told.status, cors(told), told.headers["vary"]) == (200, set(), "Origin")


def test_a_browser_that_asks_before_it_asks_is_answered(ask, app):
    before = {"origin": DESK, "access-control-request-method": "POST", "host": "unmask.example.org"}
    told = ask(app, method="OPTIONS", headers=before)
    assert (told.status, told.headers["access-control-allow-origin"]) == (204, DESK)
    assert "Authorization" in told.headers["access-control-allow-headers"]
    other = ask(app, method="OPTIONS", headers=before | {"origin": "https://evil.example"})
    assert (other.status, cors(other)) == (403, set())


def test_credentials_are_never_shared(ask, app):
    assert "access-control-allow-credentials" not in ask(app, headers={"origin": DESK}).headers
