import base64
import dataclasses
import io

import numpy as np
import pytest
from PIL import Image


def encode(picture, kind="PNG"):
    stream = io.BytesIO()
    picture.save(stream, kind)
    return stream.getvalue()


def grey(level, size=(64, 64)):
    return Image.new("RGB", size, (level, level, level))


def ask(client, picture):
    return client.post("/explain", files={"image": encode(picture)})


def layer_of(body):
    layer = Image.open(io.BytesIO(base64.b64decode(body["overlay_png"])))
    assert (layer.format, layer.mode) == ("PNG", "RGBA")
    return np.asarray(layer)


def test_a_picture_is_judged_as_predict_does(asked):
    picture = grey(230)
    explained = ask(asked, picture).json()
    predicted = asked.post("/predict", files={"images": encode(picture)}).json()
    (answer,) = predicted["answers"]
    assert [explained[key] for key in ("judgement", "box")] == [answer[key] for key in ("judgement", "box")]
    assert explained["thresholds"] == predicted["thresholds"]
    assert explained["id"] == f"{explained['request_id']}-0"


def test_the_layer_lies_over_the_crop_and_shows_the_map(asked):
    picture = grey(255, (128, 64))
    picture.paste((60, 60, 60), (0, 0, 64, 64))
    body = ask(asked, picture).json()
    # Shrunk to 64 x 32, of which the crop is the middle 32 x 32.
    assert body["box"] == [32, 0, 96, 64]
    layer = layer_of(body)
    assert layer.shape == (64, 64, 4)
    # The hand-made model's map is the crop's own grey.
    assert layer[32, 60, 3] > 3 * layer[32, 3, 3] > 0


@pytest.mark.parametrize(("level", "verdict", "opaque"), [(255, "fake", 178), (128, "uncertain", 102), (0, "real", 0)])
def test_the_layer_never_contradicts_the_verdict(asked, level, verdict, opaque):
    body = ask(asked, grey(level)).json()
    assert body["judgement"]["verdict"] == verdict
    assert layer_of(body)[..., 3].max() == opaque


def test_a_faint_trace_in_a_real_picture_is_not_shown(asked):
    picture = grey(0)
    picture.paste((255, 255, 255), (28, 28, 36, 36))
    body = ask(asked, picture).json()
    assert body["judgement"]["verdict"] == "real"
    assert not layer_of(body)[..., 3].any()


@pytest.mark.parametrize("body", [b"", b"junk", encode(grey(9))[:60], encode(grey(9, (48, 20)))])
def test_what_is_no_usable_picture_is_refused(asked, body):
    answer = asked.post("/explain", files={"image": body})
    assert answer.status_code in {400, 422}
    assert set(answer.json()) == {"error", "request_id"}


def test_a_clip_is_sent_elsewhere(asked):
    answer = asked.post("/explain", files={"image": b"\0\0\0\x18ftypisom" + bytes(100)})
    assert answer.status_code == 400
    assert answer.json()["error"] == "a clip, not a picture; send it to /predict_clip"


def test_of_several_faces_the_most_suspect_one_is_shown(serving, in_process, detector):
    picture = grey(0, (300, 160))
    for place, level in (((30, 40, 110, 120), 120), ((180, 40, 260, 120), 255)):
        picture.paste((level, level, level), place)
    with in_process(dataclasses.replace(serving, faces="mediapipe")) as client:
        body = ask(client, picture).json()
        predicted = client.post("/predict", files={"images": encode(picture)}).json()["answers"][0]
    assert [body[key] for key in ("judgement", "box")] == [predicted[key] for key in ("judgement", "box")]
    # Cut out with its margin at 160, 20 to 280, 140, of which the crop shows the middle 32 of 40.
    assert body["box"] == [172, 32, 268, 128]


def test_without_a_face_there_is_nothing_to_show(serving, in_process, detector):
    with in_process(dataclasses.replace(serving, faces="mediapipe")) as client:
        body = ask(client, grey(9)).json()
    assert (body["judgement"], body["overlay_png"], body["box"]) == (None, None, None)
