import dataclasses
import io
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import module_of_extra
from unmask.data.faces import Face
from unmask.errors import DataError, ResourceError
from unmask.serving.faces import FaceFinder
from unmask.serving.offline.scoring import Scorer, limits_of
from unmask.serving.routes import clip as route
from unmask.serving.runtime import Runtime

LEVELS = [20, 60, 100, 140, 180, 220, 240, 250]


@pytest.fixture
def clip(write_clip, tmp_path):
    return Path(write_clip(str(tmp_path / "a.mp4"), LEVELS))


def ask(client, body, name="clip"):
    return client.post("/predict_clip", files={name: ("a.mp4", body, "video/mp4")})


def encode(*pictures, kind="PNG"):
    stream = io.BytesIO()
    more = {"save_all": True, "append_images": pictures[1:]} if len(pictures) > 1 else {}
    pictures[0].save(stream, kind, **more)
    return stream.getvalue()


def grey(level):
    return Image.new("RGB", (48, 48), (level, level, level))


def test_a_clip_is_answered_as_unmask_predict_does(serving, in_process, shared_bundle, clip):
    runtime = Runtime(shared_bundle, threads=1)
    limits = limits_of(runtime.bundle)
    with in_process(serving) as client:
        body = ask(client, clip.read_bytes()).json()
    *frames, whole = Scorer(runtime, limits)([clip])[0]
    assert [score["time_s"] for score in body["frames"]] == [round(frame.time_s, 3) for frame in frames]
    assert [score["verdict"] for score in body["frames"]] == [frame.verdict for frame in frames]
    assert [score["probability"] for score in body["frames"]] == pytest.approx([f.p_fake for f in frames], abs=1e-4)
    assert body["judgement"]["probability"] == pytest.approx(whole.p_fake, abs=1e-4)
    assert (body["judgement"]["verdict"], body["judgement"]["sentence"]) == (whole.verdict, whole.sentence)
    assert body["duration_s"] == pytest.approx(0.8)


def test_a_clips_answer_says_whose_it_is_and_names_itself(asked, clip):
    answer = ask(asked, clip.read_bytes())
    body = answer.json()
    assert body["id"] == f"{answer.headers['x-request-id']}-0"
    assert body["model_version"] == asked.app.state.engine.models.current.bundle.version
    assert body["thresholds"]["fake"]["probability"] == 0.8


def test_a_clips_attributes_are_means_of_its_frames(asked, write_clip, tmp_path):
    plain = Path(write_clip(str(tmp_path / "b.mp4"), [200] * 8)).read_bytes()
    body = ask(asked, plain).json()
    # The hand-made model gives each label the same marginal, sigmoid of the logit; all frames are alike.
    logit = 8 * (200 / 255 - 0.5)
    assert body["judgement"]["attributes"]["mouth"] == pytest.approx(1 / (1 + 2.718281828**-logit), abs=0.02)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (encode(grey(9)), "a picture, not a clip; send it to /predict"),
        (encode(grey(9), kind="JPEG"), "a picture, not a clip; send it to /predict"),
        (encode(grey(9), grey(90), kind="GIF"), "make it a PNG, or a clip where it moves"),
        (encode(grey(9), grey(90), kind="WEBP"), "make it a clip"),
        (b"junk" * 100, "not a clip in mp4"),
        (b"", "not a clip in mp4"),
    ],
    ids=["png", "jpeg", "gif", "webp", "junk", "empty"],
)
def test_what_is_no_clip_is_sent_elsewhere(asked, body, said):
    answer = ask(asked, body)
    assert answer.status_code == 415
    assert said in answer.json()["error"]


def test_a_clip_among_pictures_is_sent_here(asked, clip):
    answer = asked.post("/predict", files={"images": clip.read_bytes()})
    assert answer.status_code == 400
    assert answer.json()["error"] == "picture 1 of 1: a clip, not a picture; send it to /predict_clip"


def test_a_clip_with_too_many_bytes_is_not_read(serving, in_process, clip):
    serving.limits.clip_megabytes = 0.0001
    with in_process(serving) as client:
        answer = ask(client, clip.read_bytes())
    assert answer.status_code == 413
    assert "larger than 0.0001 MB" in answer.json()["error"]


def test_frames_smaller_than_any_trained_on_are_refused(asked, tmp_path):
    av = module_of_extra("av", "clips")
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width = video.height = 16
        video.pix_fmt = "yuv420p"
        container.mux(video.encode(av.VideoFrame.from_image(grey(9).resize((16, 16)))))
        container.mux(video.encode(None))
    answer = ask(asked, stream.getvalue())
    assert answer.status_code == 400
    assert "shorter side under 24 px" in answer.json()["error"]


def test_without_the_extra_it_says_how_to_get_it(asked, clip, monkeypatch, tmp_path):
    (tmp_path / "av.py").write_text("raise ImportError")
    monkeypatch.syspath_prepend(tmp_path)
    answer = ask(asked, clip.read_bytes())
    assert answer.status_code == 501
    assert "pip install 'unmask[clips]'" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/predict_clip", "/explain", "/feedback"])
def test_the_document_describes_it(asked, path):
    found = asked.get("/openapi.json").json()
    asks = found["paths"][path]["post"]
    assert asks["description"]
    kind = asks["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
    fields = found["components"]["schemas"][kind]["properties"]
    assert fields["id"]["examples"] == ["9f2c4e7a5b8d4c0f8a6b1d2e3f405162-0"]


def test_frames_without_a_face_have_no_score(serving, in_process, detector, clip):
    with in_process(dataclasses.replace(serving, faces="mediapipe")) as client:
        body = ask(client, clip.read_bytes()).json()
    # Frames of a level above 80 are a face as a whole; those before are not. Every second of the eight is judged.
    assert [score["verdict"] is None for score in body["frames"]] == [level < 80 for level in LEVELS[1::2]]
    assert [score["probability"] is None for score in body["frames"]] == [level < 80 for level in LEVELS[1::2]]
    assert "from 3 frames" in body["judgement"]["sentence"]


def test_a_frame_whose_faces_are_all_too_small_has_no_score(serving, in_process, detector, monkeypatch, clip):
    find = FaceFinder.find
    small = Face((2.0, 2.0, 8.0, 8.0), 0.75, None)
    monkeypatch.setattr(FaceFinder, "find", lambda self, picture: find(self, picture) or [small])
    with in_process(dataclasses.replace(serving, faces="mediapipe")) as client:
        answer = ask(client, clip.read_bytes())
    assert answer.status_code == 200
    assert [score["verdict"] is None for score in answer.json()["frames"]] == [level < 80 for level in LEVELS[1::2]]


def failing_below(level):
    def find(self, picture):
        if picture.getpixel((9, 9))[0] < level:
            raise DataError("the face detector failed on this picture")
        return [Face((0.0, 0.0, *map(float, picture.size)), 0.75, None)]

    return find


def test_a_frame_whose_search_for_faces_fails_has_no_score(serving, in_process, detector, monkeypatch, clip):
    monkeypatch.setattr(FaceFinder, "find", failing_below(80))
    with in_process(dataclasses.replace(serving, faces="mediapipe")) as client:
        answer = ask(client, clip.read_bytes())
    assert answer.status_code == 200
    assert [score["probability"] is None for score in answer.json()["frames"]] == [True, False, False, False]
    assert "from 3 frames" in answer.json()["judgement"]["sentence"]


def test_a_clip_is_refused_where_the_search_for_faces_fails_at_each_frame(
    serving, in_process, detector, monkeypatch, clip
):
    monkeypatch.setattr(FaceFinder, "find", failing_below(256))
    with in_process(dataclasses.replace(serving, faces="mediapipe")) as client:
        answer = ask(client, clip.read_bytes())
    assert (answer.status_code, answer.json()["error"]) == (400, "the face detector failed on this picture")


def test_a_decoder_that_dies_midway_gives_no_verdict_from_fewer_frames(asked, clip, monkeypatch, tmp_path):
    script = tmp_path / "python"
    said = '{"duration_s": 1.0, "frames": 4}\\n{"time_s": 0.0, "width": 24, "height": 24}\\n'
    script.write_text(f"#!/bin/sh\ncat > /dev/null\nprintf '{said}'\nhead -c 1728 /dev/zero\nkill -9 $$\n")
    script.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(script))
    answer = ask(asked, clip.read_bytes())
    assert (answer.status_code, answer.json()["error"]) == (400, "damaged clip: its decoder failed")


def test_memory_that_runs_out_is_no_fault_of_what_was_sent(asked, monkeypatch):
    def fail(*_, **__):
        raise ResourceError("memory ran out")

    monkeypatch.setattr(route, "open_picture", fail)
    assert ask(asked, encode(grey(9))).status_code == 503


def test_a_clip_without_a_face_has_no_judgement(serving, in_process, detector, write_clip, tmp_path):
    dark = Path(write_clip(str(tmp_path / "b.mp4"), [40] * 4)).read_bytes()
    with in_process(dataclasses.replace(serving, faces="mediapipe")) as client:
        answer = ask(client, dark)
    assert answer.status_code == 200
    assert answer.json()["judgement"] is None
