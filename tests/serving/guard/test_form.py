import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
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
        ({"files": pictures(4)}, 400, "more than 3 files (serving.limits.pictures); send fewer at a time"),
        ({"files": pictures(1, field="picture")}, 400, "unknown field; there is images"),
        ({"files": pictures(1), "data": {"note": "x"}}, 400, "unknown field; there is images"),
        ({"files": pictures(1, name="a" * 256)}, 400, "a file's name is longer than 255 bytes; rename it"),
        ({"files": pictures(1), "data": {"images": "http://a/b.jpg"}}, 422, "images.0: must be a file, not text"),
        ({"data": {"images": "x"}}, 415, "send multipart/form-data; this address takes files"),
        ({"json": {"images": ["/etc/passwd"]}}, 415, "send multipart/form-data; this address takes files"),
        ({}, 415, "send multipart/form-data; this address takes files"),
        ({"content": part(FILE), "headers": {"content-type": "application/vnd.bentoml+pickle"}}, 415, "send multipart"),
        ({"content": b"", "headers": {"content-type": BOUNDARY}}, 400, "breaks off before its closing boundary"),
        ({"content": b"--b--\r\n", "headers": {"content-type": BOUNDARY}}, 422, "images: missing"),
        ({"content": b"junk", "headers": {"content-type": BOUNDARY}}, 400, "damaged form"),
        ({"content": b"junk", "headers": {"content-type": "multipart/form-data"}}, 400, "names no boundary"),
        ({"content": part(FILE), "headers": {"content-type": BOUNDARY + "; charset=undefined"}}, 400, "must be utf-8"),
        ({"content": part(FILE), "headers": {"content-type": BOUNDARY + "; charset=x"}}, 400, "must be utf-8"),
        ({"content": part(FILE), "headers": {"content-type": BOUNDARY.encode() + b"; charset=\xff"}}, 400, "must be"),
        ({"content": part(b'Content-Disposition: form-data; name="images"; filename="+2AA-"') + b"--b--\r\n",
          "headers": {"content-type": BOUNDARY + "; charset=utf-7"}}, 400, "must be utf-8"),
        ({"content": part(b"X: " + b"x" * 5000), "headers": {"content-type": BOUNDARY}}, 400, "damaged form"),
        ({"content": part(b"\r\n".join([b"X: x"] * 9)), "headers": {"content-type": BOUNDARY}}, 400, "damaged form"),
        ({"content": part(b"X: x"), "headers": {"content-type": BOUNDARY}}, 400, "a part of the form has no name"),
        ({"content": part(FILE.replace(b"; filename", b"; x"), b"t" * 10_001), "headers": {"content-type": BOUNDARY}},
         400, "a text is longer than 10,000 bytes; shorten it"),
        ({"content": part(b'Content-Disposition: form-data; name="n"') * 17, "headers": {"content-type": BOUNDARY}},
         400, "more than 16 texts"),
    ],
)  # fmt: skip
def test_what_is_no_form_of_a_few_pictures_is_refused(client, sent, status, said):
    answer = client.post("/predict", **sent)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True), answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


WHOLE = part(FILE, encoded()) + part(FILE, encoded()) + b"--b--"


@given(at=st.integers(0, len(WHOLE) - 1))
@example(at=len(WHOLE) - 1)
@example(at=len(WHOLE) - len(b"--b--"))
@example(at=len(part(FILE, encoded())))
@settings(deadline=None, max_examples=20)
def test_a_form_that_breaks_off_is_refused_wherever_it_does(client, at):
    answer = client.post("/predict", content=WHOLE[:at], headers={"content-type": BOUNDARY})
    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "the form breaks off before its closing boundary; send it whole",
    )


def test_a_form_is_whole_when_its_closing_boundary_came(client):
    answer = client.post("/predict", content=WHOLE, headers={"content-type": BOUNDARY})
    assert [each["error"] for each in answer.json()["answers"]] == [None, None]


def test_a_few_pictures_pass(client):
    assert len(client.post("/predict", files=pictures(3)).json()["answers"]) == 3


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", '"utf-8"', "us-ascii"])
def test_a_form_may_name_its_charset(client, charset):
    content = part(FILE, encoded()) + b"--b--\r\n"
    answer = client.post("/predict", content=content, headers={"content-type": f"{BOUNDARY}; charset={charset}"})
    assert answer.status_code == 200


def test_nothing_is_put_on_a_disk(client, monkeypatch):
    def rolled(self):
        pytest.fail("an upload was written to a file")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.rollover", rolled)
    files = [("images", ("a", bytes(3_000_000), "image/png"))]
    assert client.post("/predict", files=files).status_code == 400
