import dataclasses
from tempfile import SpooledTemporaryFile

import pytest
from PIL import Image
from starlette import formparsers
from starlette.testclient import TestClient

from tests.serving.drawn import encode, grey
from unmask.serving.app import create_app
from unmask.serving.bundle import load_bundle
from unmask.serving.engine import Engine

EXIF_ORIENTATION = 0x0112


def ask(client, *bodies, name="a.jpg", kind="image/jpeg"):
    return client.post("/predict", files=[("images", (name, body, kind)) for body in bodies])


def test_an_answer_has_all_that_makes_it_readable(client, shared_bundle):
    bundle = load_bundle(shared_bundle)
    answer = ask(client, encode(grey(255), "JPEG"))
    assert answer.status_code == 200
    said = answer.json()
    assert (said["model_version"], said["data_hash"]) == (bundle.version, bundle.data.md5)
    assert said["request_id"] == answer.headers["x-request-id"]
    assert said["thresholds"]["fake"]["probability"] == 0.8
    assert "2.0% of real pictures" in said["thresholds"]["fake"]["meaning"]
    (only,) = said["answers"]
    assert (only["id"], only["faces"], only["error"]) == (f"{said['request_id']}-0", None, None)
    judged = only["judgement"]
    assert (judged["probability"], judged["verdict"]) == (0.8808, "fake")
    assert list(judged["attributes"]) == bundle.graph.labels
    assert judged["sentence"].startswith("altered: ")


def test_several_pictures_are_answered_in_order(client):
    answers = ask(client, *(encode(grey(level)) for level in (0, 128, 255))).json()["answers"]
    assert [answer["judgement"]["verdict"] for answer in answers] == ["real", "uncertain", "fake"]


def test_a_picture_that_cannot_be_judged_says_so_beside_those_that_can(client):
    answers = ask(client, encode(grey(0)), b"%PDF-1.7").json()["answers"]
    assert [answer["error"] for answer in answers] == [
        None,
        "not a JPEG, PNG, WebP, BMP or TIFF picture, but a PDF",
    ]
    assert (answers[1]["judgement"], answers[1]["box"]) == (None, None)


@pytest.mark.parametrize("faces", ["none", "mediapipe"])
def test_the_box_is_what_was_judged(faces, serving, in_process, detector):
    picture = grey(20, (256, 128))
    picture.paste((100, 100, 100), (96, 32, 160, 96))
    with in_process(dataclasses.replace(serving, faces=faces)) as client:
        (said,) = ask(client, encode(picture)).json()["answers"]
        x0, y0, x1, y1 = said["box"]
        assert 0 < (x1 - x0) * (y1 - y0) < 256 * 128
        # Not white, which the drawn detector would take for a face; reducing blurs what lies next to the box.
        changed = Image.new("RGB", picture.size, (70, 0, 0))
        changed.paste(picture.crop((x0 - 12, y0 - 12, x1 + 12, y1 + 12)), (x0 - 12, y0 - 12))
        outside = ask(client, encode(changed)).json()["answers"][0]
        picture.paste((70, 0, 0), (x0 + 2, y0 + 2, x0 + 12, y0 + 12))
        inside = ask(client, encode(picture)).json()["answers"][0]
    assert outside == said | {"id": outside["id"]}
    assert inside["box"] == said["box"]
    assert inside["judgement"]["probability"] != said["judgement"]["probability"]


def test_a_request_without_one_usable_picture_is_refused(client):
    answer = ask(client, b"", b"GIF89a")
    assert answer.status_code == 400
    assert answer.json()["error"] == "picture 1 of 2: not a JPEG, PNG, WebP, BMP or TIFF picture"


SMALL, DAMAGED = encode(grey(0)), b"GIF89a"
HEAVY, WIDE = SMALL + bytes(100_000), encode(grey(0, (400, 300)))


@pytest.mark.parametrize(
    ("bodies", "status"),
    [
        ([HEAVY], 413),
        ([WIDE], 413),
        ([HEAVY, WIDE], 413),
        ([HEAVY, DAMAGED], 400),
        ([DAMAGED, WIDE], 400),
        ([HEAVY, SMALL], 200),
    ],
)
def test_where_every_picture_is_too_large_the_request_is(in_process, bodies, status):
    with in_process(limits={"picture_megabytes": 0.1, "picture_megapixels": 0.1}) as client:
        answer = ask(client, *bodies)
    assert answer.status_code == status
    if status == 200:
        assert [each["error"] for each in answer.json()["answers"]] == ["larger than 0.1 MB", None]


@pytest.mark.parametrize("body", [HEAVY, WIDE])
def test_a_picture_that_is_too_large_is_so_on_every_route(in_process, body):
    with in_process(limits={"picture_megabytes": 0.1, "picture_megapixels": 0.1}) as client:
        explained = client.post("/explain", files={"image": body})
        told = {"id": f"{'0' * 32}-0", "label": "fake", "consent": "true"}
        reported = client.post("/feedback", files={"image": body}, data=told)
    assert (explained.status_code, reported.status_code) == (413, 413)


def test_too_many_pictures_are_refused(client):
    answer = ask(client, *[encode(grey(0))] * 5)
    assert (answer.status_code, "more than 4 files (serving.limits.pictures)" in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_the_format_is_known_by_the_bytes(client, kind):
    answer = ask(client, encode(grey(255), kind), name="picture", kind="application/octet-stream")
    assert answer.json()["answers"][0]["judgement"]["verdict"] == "fake"


def test_a_turned_photograph_is_set_upright(client):
    picture = grey(0, (96, 48))
    picture.paste((255, 255, 255), (0, 0, 32, 48))  # cut off when the picture lies, as when it stands
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    lying, standing = encode(picture, exif=exif), encode(picture.transpose(Image.Transpose.ROTATE_270))
    first, second = (ask(client, body).json()["answers"][0]["judgement"] for body in (lying, standing))
    assert first == second


def test_each_face_is_answered_and_the_most_suspect_one_speaks(serving, shared_bundle, detector):
    settings = dataclasses.replace(serving, faces="mediapipe")
    app = create_app(settings)
    app.state.engine = Engine(settings, shared_bundle)
    picture = grey(0, (400, 200))
    for left, side, level in ((30, 80, 250), (180, 80, 160), (300, 12, 250)):
        picture.paste((level, level, level), (left, 40, left + side, 40 + side))
    answers = ask(TestClient(app), encode(picture), encode(grey(0))).json()["answers"]
    app.state.engine.close()
    assert [face["box"] for face in answers[0]["faces"]] == [[30, 40, 110, 120], [180, 40, 260, 120]]
    assert answers[0]["judgement"] == {key: answers[0]["faces"][0][key] for key in answers[0]["judgement"]}
    assert answers[0]["faces"][0]["probability"] > answers[0]["faces"][1]["probability"]
    assert (answers[0]["faces"][0]["score"], answers[0]["small_faces"]) == (0.75, 1)
    assert [answers[1][key] for key in ("judgement", "box", "faces", "error")] == [None, None, [], None]


def test_only_small_faces_are_told_and_not_judged(serving, in_process, detector):
    picture = grey(0, (400, 200))
    picture.paste((200, 200, 200), (200, 40, 212, 52))
    with in_process(dataclasses.replace(serving, faces="mediapipe")) as client:
        answer = ask(client, encode(picture))
    assert answer.status_code == 200
    (said,) = answer.json()["answers"]
    assert (said["judgement"], said["faces"], said["small_faces"], said["error"]) == (None, [], 1, None)


@pytest.mark.parametrize(("path", "field"), [("/predict", "images"), ("/explain", "image"), ("/feedback", "image")])
def test_an_upload_is_not_held_twice(client, monkeypatch, path, field):
    uploads, held = [], []

    class Noted(SpooledTemporaryFile):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            uploads.append(self)

    def noting(method):
        def note(self, *args):
            held.extend(upload for upload in uploads if not upload.closed)
            return method(self, *args)

        return note

    monkeypatch.setattr(formparsers, "SpooledTemporaryFile", Noted)
    monkeypatch.setattr(Engine, "judge", noting(Engine.judge))
    monkeypatch.setattr(Engine, "format_of", noting(Engine.format_of))
    texts = {"id": f"{'0' * 32}-0", "label": "fake", "consent": "true"} if path == "/feedback" else {}
    assert client.post(path, files={field: encode(grey(0))}, data=texts).status_code == 200
    assert (len(uploads), held) == (1, [])


def test_every_value_of_an_answer_is_described_by_an_example(client):
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/predict"]["post"]
    assert (operation["operationId"], operation["tags"]) == ("predict", ["judge"])
    assert "curl" in operation["x-codeSamples"][0]["source"]
    schemas = {name: schema for name, schema in document["components"]["schemas"].items() if "properties" in schema}
    bare = [
        f"{name}.{key}"
        for name in ("Predictions", "PictureAnswer", "Judged", "Face", "ThresholdMeaning", "Problem", "Model")
        for key, value in schemas[name]["properties"].items()
        if "examples" not in value and "$ref" not in str(value)
    ]
    assert not bare
