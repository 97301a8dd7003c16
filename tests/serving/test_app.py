import pytest

from unmask.errors import ResourceError


@pytest.fixture(scope="module")
def client(in_process):
    with in_process() as client:
        yield client


def test_the_bare_address_leads_to_the_page(client):
    answer = client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/ui")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nix", 404),
        ("GET", "/docs", 404),
        ("GET", "/predict", 405),
        ("DELETE", "/model", 405),
        ("GET", "/../x", 404),
    ],
)
def test_every_refusal_has_one_shape(client, method, path, status):
    answer = client.request(method, path)
    assert (answer.status_code, set(answer.json())) == (status, {"error", "request_id"})
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert status != 405 or answer.headers["allow"]


def test_every_answer_has_the_security_headers(client):
    for path in ("/model", "/nix", "/openapi.json"):
        assert "content-security-policy" in client.get(path).headers


def test_the_document_describes_each_refusal(client):
    document = client.get("/openapi.json").json()
    for operations in document["paths"].values():
        for operation in operations.values():
            shapes = {
                status: answer["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
                for status, answer in operation["responses"].items()
                if status[0] in "45"
            }
            assert set(shapes.values()) == {"Problem"}
            assert {"401", "413", "415", "422", "429", "503"} <= set(shapes)
    assert not [name for name in document["components"]["schemas"] if "Validation" in name]


@pytest.mark.parametrize(
    ("error", "status"), [(ResourceError("memory ran out"), 503), (MemoryError(), 503), (KeyError("/srv/model"), 500)]
)
def test_what_fails_inside_stays_inside(client, monkeypatch, error, status):
    async def fails(*_, **__):
        raise error

    monkeypatch.setattr(client.app.state.engine, "judge", fails)
    answer = client.post("/predict", files=[("images", ("a", b"x", "image/png"))])
    assert (answer.status_code, set(answer.json())) == (status, {"error", "request_id"})
    assert "/srv" not in answer.text


def test_with_tokens_nothing_but_the_page_is_open(in_process):
    with in_process(tokens="abc") as client:
        assert [client.get(path).status_code for path in ("/model", "/metrics", "/ui")] == [401, 401, 200]
        assert client.get("/model", headers={"authorization": "Bearer abc"}).status_code == 200
        scheme = client.get("/openapi.json", headers={"authorization": "Bearer abc"}).json()["components"][
            "securitySchemes"
        ]
        assert scheme == {"token": {"type": "http", "scheme": "bearer"}}
