import io

import pytest
from PIL import Image

BOUNDARY = "multipart/form-data; boundary=b"


@pytest.fixture(scope="module")
def client(in_process):
    with in_process(limits={"pictures": 3}) as client:
        yield client


def encoded():
    stream = io.BytesIO()
    Image.new("RGB", (48, 48)).save(stream, "PNG")
    return stream.getvalue()


def pictures(number, *, field="images", name="a.png"):
    return [(field, (name, encoded(), "image/png"))] * number


def part(headers, body=b"x"):
    return b"--b\r\n" + headers + b"\r\n\r\n" + body + b"\r\n"


FILE = b'Content-Disposition: form-data; name="images"; filename="a"'


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({"files": pictures(4)}, 400, "Too many files. Maximum number of files is 3."),
        ({"files": pictures(1, field="picture")}, 400, "unknown field; there is images"),
        ({"files": pictures(1), "data": {"note": "x"}}, 400, "unknown field; there is images"),
        ({"files": pictures(1, name="a" * 256)}, 400, "a file's name is longer than 255 bytes; rename it"),
        ({"files": pictures(1), "data": {"images": "http://a/b.jpg"}}, 422, "images.0: must be a file, not text"),
        ({"data": {"images": "x"}}, 415, "send multipart/form-data; this address takes files"),
        ({"json": {"images": ["/etc/passwd"]}}, 415, "send multipart/form-data; this address takes files"),
        ({}, 415, "send multipart/form-data; this address takes files"),
        ({"content": part(FILE), "headers": {"content-type": "application/vnd.bentoml+pickle"}}, 415, "send multipart"),
        ({"content": b"", "headers": {"content-type": BOUNDARY}}, 422, "images: missing"),
        ({"content": b"--b--\r\n", "headers": {"content-type": BOUNDARY}}, 422, "images: missing"),
        ({"content": b"junk", "headers": {"content-type": BOUNDARY}}, 400, "Invalid multipart data."),
        ({"content": b"junk", "headers": {"content-type": "multipart/form-data"}}, 400, "Missing boundary"),
        ({"content": part(FILE), "headers": {"content-type": BOUNDARY + "; charset=undefined"}}, 400, "damaged form"),
        ({"content": part(b"X: " + b"x" * 5000), "headers": {"content-type": BOUNDARY}}, 400, "Invalid"),
        ({"content": part(b"\r\n".join([b"X: x"] * 9)), "headers": {"content-type": BOUNDARY}}, 400, "Invalid"),
        ({"content": part(b"X: x"), "headers": {"content-type": BOUNDARY}}, 400, "must be provided"),
        ({"content": part(FILE.replace(b"; filename", b"; x"), b"t" * 10_001), "headers": {"content-type": BOUNDARY}},
         400, "Part exceeded maximum size"),
        ({"content": part(b'Content-Disposition: form-data; name="n"') * 17, "headers": {"content-type": BOUNDARY}},
         400, "Too many fields. Maximum number of fields is 16."),
    ],
)  # fmt: skip
def test_what_is_no_form_of_a_few_pictures_is_refused(client, sent, status, said):
    answer = client.post("/predict", **sent)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_few_pictures_pass(client):
    assert len(client.post("/predict", files=pictures(3)).json()["answers"]) == 3


def test_nothing_is_put_on_a_disk(client, monkeypatch):
    def rolled(self):
        pytest.fail("an upload was written to a file")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", rolled)
    files = [("images", ("a", bytes(3_000_000), "image/png"))]
    assert client.post("/predict", files=files).status_code == 400
