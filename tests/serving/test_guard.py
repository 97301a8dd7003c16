import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from unmask.serving.guard import Limits, UploadGuard

LIMITS = Limits(request_megabytes=0.1, picture_megabytes=0.05, pictures=3)


async def echo(request: Request) -> JSONResponse:
    body = await request.body()
    return JSONResponse({"bytes": len(body), "id": request.state.request_id})


@pytest.fixture(scope="module")
def client():
    app = Starlette(routes=[Route("/predict", echo, methods=["POST"]), Route("/other", echo, methods=["POST", "GET"])])
    app.add_middleware(UploadGuard, path="/predict", limits=LIMITS)
    with TestClient(app) as client:
        yield client


def pictures(*sizes, field="images", name="a.jpg"):
    return [(field, (name, b"x" * size, "image/jpeg")) for size in sizes]


def test_an_upload_passes_whole(client):
    answer = client.post("/predict", files=pictures(1000, 2000))
    assert answer.status_code == 200
    assert answer.json()["bytes"] == int(answer.request.headers["content-length"])


def test_every_answer_carries_its_id(client):
    answers = [client.post("/predict", files=pictures(10)), client.get("/other")]
    assert [answer.headers["x-request-id"] for answer in answers] == [answer.json()["id"] for answer in answers]
    refused = client.post("/predict")
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({"files": pictures(60_000)}, 413, "picture 1: larger than 0.05 MB"),
        ({"files": pictures(40_000, 40_000, 40_000)}, 413, "request larger than 0.1 MB"),
        ({"files": pictures(10_000_000)}, 413, "request larger than 0.1 MB"),
        ({"content": (b"x" * 10_000 for _ in range(50))}, 413, "request larger than 0.1 MB"),
        ({"files": pictures(1, 1, 1, 1)}, 400, "more than 3 pictures"),
        ({"files": pictures(1, field="file")}, 400, "unknown field"),
        ({"files": pictures(1, name="a" * 201)}, 400, "file name is longer"),
        ({"files": pictures(1), "data": {"images": "http://127.0.0.1/a.jpg"}}, 400, "must be a file"),
        ({"json": {"images": ["/etc/passwd"]}}, 415, "multipart/form-data"),
        ({"data": {"images": "http://127.0.0.1/a.jpg"}}, 415, "multipart/form-data"),
        ({"content": b"x", "headers": {"content-type": "application/vnd.bentoml+pickle"}}, 415, "multipart"),
        ({"content": b"", "headers": {"content-type": "multipart/form-data; boundary=b"}}, 400, ""),
        ({"content": b"junk", "headers": {"content-type": "multipart/form-data; boundary=b"}}, 400, ""),
        ({"content": b"junk", "headers": {"content-type": "multipart/form-data"}}, 400, "boundary"),
        ({"content": b"--b--\r\n", "headers": {"content-type": "multipart/form-data; boundary=b"}}, 400, "no picture"),
    ],
)
def test_anything_else_is_refused(client, sent, status, said):
    answer = client.post("/predict", **sent)
    assert answer.status_code == status
    assert said in answer.json()["error"]


def test_other_addresses_are_only_limited_in_size(client):
    assert client.post("/other", json={"any": "thing"}).status_code == 200
    assert client.post("/other", content=b"x" * 200_000).status_code == 413
