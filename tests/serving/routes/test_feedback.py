import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from PIL import Image

from unmask.serving.inbox.reading import read_inbox

ID = "9f2c4e7a5b8d4c0f8a6b1d2e3f405162-0"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=2000)


def encode(level=128, kind="PNG"):
    stream = io.BytesIO()
    Image.new("RGB", (48, 48), (level, level, level)).save(stream, kind)
    return stream.getvalue()


def ask(client, image=None, name="a.png", **fields):
    files = {key: (None, value) for key, value in ({"id": ID, "label": "fake"} | fields).items()}
    return client.post("/feedback", files=files | ({"image": (name, image, "image/png")} if image is not None else {}))


def stored(client):
    return read_inbox(Path(client.app.state.engine.settings.state))


def test_a_word_is_stored(asked):
    answer = ask(asked, note="I drew it")
    assert answer.status_code == 200
    assert answer.json() == {"id": ID, "stored_picture": False}
    (entry,) = stored(asked).feedback
    assert (entry.row.id, entry.row.label, entry.row.note, entry.picture) == (ID, "fake", "I drew it", None)


def test_the_id_is_that_of_a_prediction(asked):
    said = asked.post("/predict", files={"images": encode()}).json()["answers"][0]["id"]
    assert ask(asked, id=said).status_code == 200
    assert stored(asked).feedback[0].row.id == said


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_with_consent_the_picture_is_stored_byte_for_byte(asked, kind):
    body = encode(kind=kind)
    assert ask(asked, body, consent="true", name="../../etc/passwd").json()["stored_picture"]
    (entry,) = stored(asked).feedback
    assert entry.picture.read_bytes() == body
    assert entry.picture.name == f"{ID}.{ {'JPEG': 'jpg'}.get(kind, kind.lower()) }"


@pytest.mark.parametrize("consent", [{}, {"consent": "false"}])
def test_without_consent_no_picture_is_stored(asked, consent):
    assert ask(asked, encode(), **consent).json() == {"id": ID, "stored_picture": False}
    assert not list(Path(asked.app.state.engine.settings.state).rglob("*.png"))


def test_a_later_report_may_correct_the_label_and_not_the_picture(asked):
    ask(asked, encode(1), consent="true")
    assert ask(asked, encode(1), consent="true", label="real").status_code == 200
    answer = ask(asked, encode(2), consent="true")
    assert (answer.status_code, answer.json()["error"]) == (409, f"another picture is kept for {ID}")
    assert [entry.row.label for entry in stored(asked).feedback] == ["fake", "real"]


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "1"},
        {"id": ID.upper()},
        {"id": f"{ID}\n"},
        {"id": f"../{ID}"},
        {"id": f"{ID}\0"},
        {"id": ID.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}")},
        {"id": ID + "12345"},
        {"label": "uncertain"},
        {"label": ""},
        {"note": "x" * 2001},
        {"consent": "perhaps"},
    ],
)
def test_a_malformed_report_is_refused(asked, fields):
    answer = ask(asked, **fields)
    assert answer.status_code == 422
    assert set(answer.json()) == {"error", "request_id"}
    assert not stored(asked).feedback


@pytest.mark.parametrize("body", [b"junk", b"<svg/>", encode()[:70], encode(kind="GIF")])
def test_what_is_no_picture_is_not_stored(asked, body):
    answer = ask(asked, body, consent="true")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("image: ")
    assert not stored(asked).feedback


@pytest.mark.parametrize("field", ["id", "label"])
def test_what_is_missing_is_named(asked, field):
    fields = {key: (None, value) for key, value in {"id": ID, "label": "fake"}.items() if key != field}
    answer = asked.post("/feedback", files=fields)
    assert answer.status_code == 422
    assert field in answer.json()["error"]


def test_a_full_inbox_says_so(serving, in_process):
    serving.inbox_megabytes = 0.0001
    with in_process(serving) as client:
        answer = ask(client)
    assert (answer.status_code, answer.json()["error"]) == (507, "the inbox takes 0.0001 MB a day; try again tomorrow")


def test_a_disk_that_takes_nothing_is_no_crash(serving, in_process, tmp_path):
    (tmp_path / "state").write_text("a file where a folder should be")
    with in_process(serving) as client:
        answer = ask(client)
    assert (answer.status_code, answer.json()["error"]) == (507, "the inbox can't be written to")


def test_uncertain_pictures_are_captured_where_configured(serving, in_process):
    serving.capture = "uncertain"
    with in_process(serving) as client:
        body = client.post("/predict", files=[("images", encode(level)) for level in (0, 128, 255)]).json()
        client.app.state.engine.inbox.close()
        (entry,) = stored(client).captured
    assert entry.row.id == body["answers"][1]["id"]
    assert entry.row.probability == pytest.approx(body["answers"][1]["judgement"]["probability"], abs=1e-4)
    assert entry.picture.read_bytes() == encode(128)


@examples(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(note=TEXTS)
def test_any_note_survives_the_way(asked, note):
    answer = ask(asked, note=note.encode())
    assert answer.status_code == 200
    assert stored(asked).feedback[-1].row.note == note


@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.one_of(TEXTS, st.from_regex(r"[0-9a-f]{32}-[0-9]{1,4}")))
def test_only_ids_of_the_services_form_reach_the_disk(asked, name):
    answer = ask(asked, id=name.encode())
    whole = len(name.split("-")[0]) == 32 and name.isascii() and name.strip() == name
    assert answer.status_code in ({200, 422} if whole else {422})
    if answer.status_code == 200:
        assert stored(asked).feedback[-1].row.id == name
    assert not stored(asked).quarantine
