import io
import socket
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from unmask.serving.bundle import load_bundle
from unmask.serving.offline.predict import predict

EXIF_ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def served(serve, wait_until_it_answers, project, shared_bundle):
    """A real `bentoml serve` at the project's root: a client of it, and its log."""
    with serve(".", cwd=project, bundle=shared_bundle) as (process, client, log):
        wait_until_it_answers(process, client)
        yield client, log


@pytest.fixture
def client(served):
    return served[0]


def encode(picture, kind="PNG", **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def grey(level, size=(48, 48)):
    return Image.new("RGB", size, (level, level, level))


def ask(client, *bodies, name="a.jpg", kind="image/jpeg"):
    return client.post("/predict", files=[("images", (name, body, kind)) for body in bodies])


def png_header(width, height):
    """A PNG that claims a size and holds next to nothing."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    shape = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", shape) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_jpeg_is_answered_with_all_that_makes_it_readable(client, shared_bundle):
    bundle = load_bundle(shared_bundle)
    answer = ask(client, encode(grey(255), "JPEG"))
    assert answer.status_code == 200
    body = answer.json()
    assert (body["model_version"], body["data_hash"]) == (bundle.version, bundle.data.md5)
    assert body["request_id"] == answer.headers["x-request-id"]
    assert body["thresholds"]["fake"]["probability"] == 0.8
    assert "2.0% of real pictures" in body["thresholds"]["fake"]["meaning"]
    only = body["answers"][0]
    assert (only["probability"], only["verdict"]) == (0.8808, "fake")
    assert list(only["attributes"]) == bundle.graph.labels
    assert only["sentence"].startswith("altered: ")


def test_several_pictures_are_answered_in_order(client):
    body = ask(client, *(encode(grey(level)) for level in (0, 128, 255))).json()
    assert [answer["verdict"] for answer in body["answers"]] == ["real", "uncertain", "fake"]


def test_it_answers_as_unmask_predict_does(client, shared_bundle, tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    for number, size in enumerate([(24, 24), (40, 90), (64, 64), (300, 200)]):
        coarse = Image.fromarray(rng.integers(0, 255, (4, 4, 3), dtype=np.uint8))
        paths.append(tmp_path / f"{number}.jpg")
        coarse.resize(size, Image.Resampling.BICUBIC).save(paths[-1])
    rows = []
    predict([str(tmp_path)], bundle=shared_bundle, csv=None, show=rows.append, workers=2)
    answers = ask(client, *(path.read_bytes() for path in paths)).json()["answers"]
    assert [row.path for row in rows] == list(map(str, paths))
    for row, answer in zip(rows, answers, strict=True):
        assert abs(row.p_fake - answer["probability"]) < 1e-4
        assert (row.verdict, row.sentence) == (answer["verdict"], answer["sentence"])
        assert row.attributes == pytest.approx(answer["attributes"], abs=1e-4)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_the_format_is_known_by_the_bytes(client, kind):
    answer = ask(client, encode(grey(255), kind), name="picture", kind="application/octet-stream")
    assert answer.json()["answers"][0]["verdict"] == "fake"


def test_a_turned_photograph_is_set_upright(client):
    picture = grey(0, (96, 48))
    picture.paste((255, 255, 255), (0, 0, 32, 48))  # cut off when the picture lies, as when it stands
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    lying, standing = encode(picture, exif=exif), encode(picture.transpose(Image.Transpose.ROTATE_270))
    first, second = (ask(client, body).json()["answers"] for body in (lying, standing))
    assert first == second


def test_every_request_has_its_own_id(client):
    body = encode(grey(0))
    assert ask(client, body).json()["request_id"] != ask(client, body).json()["request_id"]


def test_requests_at_once_do_not_mix(client):
    levels = [level * 16 for level in range(12)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda level: ask(client, encode(grey(level))).json()["answers"][0], levels))
    alone = [ask(client, encode(grey(level))).json()["answers"][0] for level in levels]
    assert answers == alone


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage" * 100,
        b"\xff\xd8\xff\xe0" + bytes(200),
        encode(grey(9), "JPEG")[:300],
        encode(grey(9, (200, 200)), "PNG")[:150],
        encode(grey(9), "GIF"),
        encode(grey(9), "ICO"),
        b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        png_header(40_000, 40_000),
        png_header(2**31 - 1, 2**31 - 1),
        png_header(0, 0),
        png_header(64, 64),
        encode(grey(9, (48, 20))),
    ],
    ids=[
        *("empty", "garbage", "jpeg head", "cut jpeg", "cut png", "gif", "ico", "svg", "eps"),
        *("bomb", "huge bomb", "no size", "hollow png", "too small"),
    ],
)
def test_what_is_no_usable_picture_is_refused_and_named(client, body):
    answer = ask(client, encode(grey(255)), body)
    assert answer.status_code == 400
    said = answer.json()
    assert said["error"].startswith("picture 2 of 2: ")
    assert said["request_id"] == answer.headers["x-request-id"]
    assert not [word for word in ("/tmp", "Traceback", "BytesIO", "0x") if word in answer.text]  # noqa: S108


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\0b.jpg", "\N{SNOWMAN}.png", "x" * 200, "", 'a"b.jpg', "CON"])
def test_a_strange_file_name_does_no_harm(client, name):
    answer = ask(client, encode(grey(255)), name=name)
    assert answer.status_code in {200, 400}
    assert "/tmp" not in answer.text  # noqa: S108


def test_too_large_an_upload_is_refused(client):
    answer = ask(client, bytes(45_000_000))
    assert answer.status_code == 413
    assert "40 MB" in answer.json()["error"]


def test_a_picture_over_its_own_limit_is_refused(client):
    answer = ask(client, bytes(31_000_000))
    assert answer.status_code == 413
    assert answer.json()["error"] == "picture 1: larger than 30 MB"


def test_a_text_part_is_never_fetched(client):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.5)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/a.jpg"
        files = [("images", ("a.jpg", encode(grey(1)), "image/jpeg"))]
        answer = client.post("/predict", data={"images": address}, files=files)
        assert answer.status_code == 400
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.bentoml+pickle", "image/png"])
def test_other_content_types_are_refused(client, kind):
    answer = client.post("/predict", content=b'{"images": ["/etc/passwd"]}', headers={"content-type": kind})
    assert answer.status_code == 415


@pytest.mark.parametrize("path", ["/", "/model"])
def test_the_model_introduces_itself(client, shared_bundle, path):
    said = client.get(path).json()
    assert said["model_version"] == load_bundle(shared_bundle).version
    assert said["metrics"]["auc"]["low"] == 0.85
    assert said["data_note"] == "drawn"


def test_metrics_are_there_for_a_scraper(client):
    assert client.get("/metrics").status_code == 200


def test_hostile_requests_left_no_traceback_in_the_log(served):
    client, log = served
    assert ask(client, b"garbage").status_code == 400
    assert "Traceback" not in log.read_text()


def test_a_spoilt_bundle_ends_the_program_with_one_line(serve, project, bundle_folder):
    (bundle_folder / "model.onnx").write_bytes(b"spoilt")
    with serve(".", cwd=project, bundle=bundle_folder) as (process, _, log):
        assert process.wait(timeout=60) == 1
    said = log.read_text()
    assert said.strip().splitlines()[-1] == (
        f"unmask: {bundle_folder}/model.onnx: changed since it was packaged (SHA-256 differs); package the model again"
    )
    assert "Traceback" not in said
