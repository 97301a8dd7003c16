"""The client against the application itself; what it makes of refusals and waits is tested in tests/client."""

import doctest
import io

import httpx
import pytest
from PIL import Image

import unmask.client
from unmask.client import Client, ServiceError

ID = "9f2c4e7a5b8d4c0f8a6b1d2e3f405162-0"


def encode(level, size=(48, 48)):
    stream = io.BytesIO()
    Image.new("RGB", size, (level, level, level)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def transport(asked):
    """The way to the application in this process."""

    def carry(request):
        path = request.url.raw_path.decode()
        answer = asked.request(request.method, path, content=request.content, headers=dict(request.headers))
        return httpx.Response(answer.status_code, headers=dict(answer.headers), content=answer.content)

    return httpx.MockTransport(carry)


@pytest.fixture
def client(transport):
    with Client("http://testserver", transport=transport) as client:
        yield client


def test_the_example_works(transport, tmp_path):
    (tmp_path / "a.png").write_bytes(encode(255))
    here = {"url": "http://testserver", "picture": tmp_path / "a.png"}
    shown = doctest.DocTestParser().get_doctest(unmask.client.__doc__, {}, "unmask.client", None, 0)
    shown.globs = here | {"Client": lambda url: Client(url, transport=transport)}
    assert len(shown.examples) == 2
    runner = doctest.DocTestRunner(verbose=False)
    said = io.StringIO()
    runner.run(shown, out=said.write)
    assert runner.summarize(verbose=False).failed == 0, said.getvalue()


def test_paths_and_bytes_are_taken(client, tmp_path):
    (tmp_path / "a.png").write_bytes(encode(255))
    found = [client.predict(each) for each in (tmp_path / "a.png", str(tmp_path / "a.png"), encode(255))]
    assert {(each.judgement.verdict, each.judgement.probability) for each in found} == {("fake", 0.8808)}
    assert found[0].source.thresholds["fake"].probability == 0.8


def test_an_overlay_comes_as_a_picture(client):
    found = client.explain(encode(255))
    assert Image.open(io.BytesIO(found.overlay_png)).mode == "RGBA"
    assert found.box == client.predict(encode(255)).box == (4, 4, 44, 44)


def test_a_clip_has_a_time_line(client, write_clip, tmp_path):
    found = client.predict_clip(write_clip(str(tmp_path / "a.mp4"), [250] * 8))
    assert found.judgement.verdict == "fake"
    assert [frame.verdict for frame in found.frames] == ["fake"] * 4  # as many as the model was evaluated with
    assert found.duration_s == pytest.approx(0.8)


@pytest.mark.parametrize("picture", [None, encode(9)])
def test_giving_the_picture_is_consent(client, picture):
    assert client.feedback(ID, "real", note="mine: \N{SNOWMAN}\n", picture=picture).stored_picture == bool(picture)


def test_the_model_introduces_itself(client, asked):
    said, models = client.model(), asked.app.state.engine.models
    assert said.capture == "none"
    assert said.model_version == models.current.bundle.version
    assert (said.swap.since, said.swap.follows_promotions, said.swap.refused) == (models.since, False, None)


def test_a_refusal_is_an_error_that_says_why(client):
    with pytest.raises(ServiceError, match="not a JPEG, PNG, WebP, BMP or TIFF picture") as caught:
        client.predict(b"junk")
    assert caught.value.status == 400
    assert len(caught.value.request_id) == 32


def test_of_many_each_says_its_own_error(client):
    found = list(client.predict_many([encode(0), b"junk", encode(255)]))
    assert [each.judgement and each.judgement.verdict for each in found] == ["real", None, "fake"]
    assert found[1].error.startswith("not a JPEG")
    hopeless = list(client.predict_many([b"junk", b"rubbish"]))
    assert [each.error.startswith("not a JPEG") for each in hopeless] == [True, True]
