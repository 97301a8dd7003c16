"""Mutated uploads: nothing but 200 and 400 (415 where a clip no longer looks like one), in bounded memory."""

import gc
import io
import random

import av
import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.serving.fuzz.mutation import mutate

# A clip costs a process, so there are fewer of them.
UPLOADS = {"JPEG": 1500, "PNG": 1000, "WEBP": 1000, "TIFF": 1000, "GIF": 500, "MP4": 300}
FORMS = 1000
GROWTH = 300e6  # bytes of memory after all of them


@pytest.fixture(scope="module")
def client(in_process):
    with in_process(limits={"picture_megapixels": 4.0}) as client:
        yield client


def encode(picture, kind, **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def photograph(mode="RGB"):
    pixels = np.random.default_rng(0).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((96, 80), Image.Resampling.BICUBIC).convert(mode)


def clip(frames=8):
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        video = container.add_stream("mpeg4", rate=8)
        video.width, video.height, video.pix_fmt = 96, 80, "yuv420p"
        for _ in range(frames):
            container.mux(video.encode(av.VideoFrame.from_image(photograph())))
        container.mux(video.encode())
    return stream.getvalue()


def seeds(kind):
    """Whole files of a kind, in several of its variants."""
    if kind == "MP4":
        return [clip()]
    exif = Image.Exif()
    exif[0x0112] = 6
    variants = {
        "JPEG": [{"quality": 80}, {"progressive": True, "exif": exif}, {"subsampling": 0, "comment": b"x" * 50}],
        "PNG": [{}, {"exif": exif, "icc_profile": b"\0" * 200}],
        "WEBP": [{"quality": 80}, {"lossless": True, "exif": exif}],
        "TIFF": [{}, {"compression": "tiff_lzw"}, {"compression": "tiff_deflate"}],
        "GIF": [{}, {"save_all": True, "append_images": [photograph("P")] * 3}],
    }[kind]
    modes = {"JPEG": ["RGB", "L", "CMYK"], "GIF": ["P"], "WEBP": ["RGB", "RGBA"]}.get(kind, ["RGB", "P", "LA", "1"])
    return [encode(photograph(mode), kind, **options) for mode in modes for options in variants]


def ask(client, path, field, body):
    return client.post(path, files=[(field, ("a", body, "image/jpeg"))])


def right(client):
    good = encode(Image.new("RGB", (48, 48), "white"), "JPEG")
    return ask(client, "/predict", "images", good).json()["answers"][0]["judgement"]["probability"] == 0.8808


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", UPLOADS)
def test_a_mutated_file_is_judged_or_refused(client, kind):
    chance, whole = random.Random(kind), seeds(kind)  # noqa: S311
    gc.collect()
    before = psutil.Process().memory_info().rss
    path, field = ("/predict_clip", "clip") if kind == "MP4" else ("/predict", "images")
    expected = {200, 400, 413, 415} if kind == "MP4" else {200, 400, 413}
    for number in range(UPLOADS[kind]):
        answer = ask(client, path, field, mutate(whole, chance))
        assert answer.status_code in expected, (kind, number, answer.text)
        assert answer.status_code == 200 or set(answer.json()) == {"error", "request_id"}
    assert right(client)
    assert psutil.Process().memory_info().rss - before < GROWTH


def test_a_mutated_form_is_understood_or_refused(client):
    request = client.build_request("POST", "/predict", files=[("images", ("a.jpg", seeds("JPEG")[0], "image/jpeg"))])
    whole, chance = [request.read()[:600]], random.Random(0)  # noqa: S311
    for number in range(FORMS):
        body = mutate(whole, chance)
        answer = client.post("/predict", content=body, headers={"content-type": request.headers["content-type"]})
        assert answer.status_code in {200, 400, 413, 422}, (number, answer.text)
    assert right(client)


@settings(max_examples=200, deadline=None)
@given(
    body=st.binary(max_size=300),
    name=st.text(max_size=20),
    kind=st.sampled_from(["image/jpeg", "", "text/html", "multipart/mixed"]),
)
def test_any_bytes_under_any_name_are_refused(client, body, name, kind):
    answer = client.post("/predict", files=[("images", (name, body, kind))])
    assert answer.status_code in {400, 422}, answer.text
