import asyncio
import dataclasses
import importlib.util
import threading

import numpy as np
import pytest
from PIL import Image

from tests.serving.drawn import encode, grey
from unmask.data.boxes import square_around
from unmask.errors import ConfigError
from unmask.serving.engine import Engine
from unmask.serving.faces import FaceFinder


@pytest.fixture
def engine(serving, shared_bundle, detector):
    made = Engine(dataclasses.replace(serving, faces="mediapipe", threads=2), shared_bundle)
    yield made
    made.close()


def judge(engine, *pictures):
    return asyncio.run(engine.judge(engine.models.current, list(map(encode, pictures))))


def scene(*faces, size=(400, 200)):
    """A black picture with grey squares, which the drawn detector takes for faces: (left, top, side, level)."""
    picture = grey(0, size)
    for left, top, side, level in faces:
        picture.paste((level, level, level), (left, top, left + side, top + side))
    return picture


def test_each_face_is_scored_and_the_most_suspect_one_speaks_for_the_picture(engine):
    (said,) = judge(engine, scene((300, 50, 80, 90), (30, 40, 80, 250), (180, 40, 80, 160)))
    assert [face.box for face in said.faces] == [(30, 40, 110, 120), (180, 40, 260, 120), (300, 50, 380, 130)]
    assert [face.score for face in said.faces] == [0.75] * 3
    assert said.answer is said.faces[0].answer
    assert said.answer.p_fake > said.faces[1].answer.p_fake > said.faces[2].answer.p_fake


def test_a_face_is_cut_as_assemble_cuts_it(engine):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 70, (200, 400, 3), dtype=np.uint8))
    picture.paste((250, 250, 250), (100, 60, 148, 108))
    (said,) = judge(engine, picture)
    cut = picture.crop(square_around((100, 60, 148, 108), picture.size, margin=0.25))
    runtime = engine.models.current
    assert np.array_equal(said.read.views[0].crop, runtime.prepare(cut))
    assert said.answer.p_fake == pytest.approx(runtime.predict([cut])[0].p_fake, abs=1e-6)


def test_a_picture_without_a_face_is_answered_as_such(engine):
    (said,) = judge(engine, scene())
    assert (said.answer, said.faces, said.error) == (None, [], "")


def test_small_faces_are_counted_and_not_scored(engine):
    (said,) = judge(engine, scene((30, 40, 80, 250), (200, 40, 12, 200)))
    assert (len(said.faces), said.read.small_faces) == (1, 1)


def test_only_small_faces_are_an_error(engine):
    (said,) = judge(engine, scene((200, 40, 12, 200)))
    assert said.error == "each face found is under 24 px with its margin"


def test_many_faces_keep_to_the_batch(serving, shared_bundle, detector, monkeypatch):
    engine = Engine(dataclasses.replace(serving, faces="mediapipe", batch=2), shared_bundle)
    runtime, sizes = engine.models.current, []
    predict = runtime.predict_crops
    monkeypatch.setattr(runtime, "predict_crops", lambda crops: sizes.append(len(crops)) or predict(crops))
    (said,) = judge(engine, scene(*((left, 40, 40, 100 + left // 4) for left in range(0, 300, 60))))
    engine.close()
    assert (len(said.faces), max(sizes)) == (5, 2)


def test_each_thread_has_a_detector_of_its_own(engine, detector):
    judge(engine, *[scene((30, 40, 80, 250))] * 20)
    assert {made.creator for made in detector} >= set().union(*(made.users for made in detector))
    assert all(made.users <= {made.creator} for made in detector)
    assert all(name.startswith("unmask") for made in detector for name in made.users)


def test_a_detector_that_fails_spoils_its_own_picture_only(engine, detector):
    said = judge(engine, grey(13, (90, 90)), scene((30, 40, 80, 250)))
    assert [outcome.error for outcome in said] == ["the face detector failed on this picture", ""]


def test_without_the_extra_one_line_says_so(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"serving\.faces: mediapipe needs the extra `faces`"):
        FaceFinder("mediapipe")


def test_a_detector_is_made_in_the_thread_that_asks(detector):
    finder = FaceFinder("mediapipe")
    threads = [threading.Thread(target=finder.find, args=(scene(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(detector) == 3
