import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.spots import SpotDetector, mask_of, scene
from unmask.data.boxes import square_around
from unmask.data.faces import Face, check_detector, choose, create_detector, detector_version, find_faces
from unmask.errors import ConfigError

LEFT, RIGHT, SMALL = (60, 100, 30), (220, 120, 45), (150, 40, 12)


def faces() -> list[Face]:
    return SpotDetector().detect(scene([LEFT, RIGHT, SMALL]))


def numbers(crop: str, *, forged: bool = False, mask: Image.Image | None = None) -> list[int]:
    return [number for number, _ in choose(faces(), crop, forged=forged, mask=mask)]


def test_faces_are_numbered_from_left_to_right() -> None:
    every = choose(faces(), "every", forged=False, mask=None)
    assert [number for number, _ in every] == [0, 1, 2]
    assert [round(face.extent[0]) for _, face in every] == [30, 138, 175]


def test_the_largest_is_taken() -> None:
    assert numbers("largest") == [2]


def test_of_a_fake_the_face_under_the_mask_is_taken() -> None:
    assert numbers("largest", forged=True, mask=mask_of(LEFT)) == [0]
    assert numbers("every", forged=True, mask=mask_of(LEFT)) == [0]


@pytest.mark.parametrize("crop", ["largest", "every"])
def test_of_a_fake_no_face_is_taken_where_the_mask_is_elsewhere(crop: str) -> None:
    assert numbers(crop, forged=True, mask=mask_of((300, 220, 15))) == []


@pytest.mark.parametrize("crop", ["largest", "every"])
def test_the_rim_of_a_mask_makes_no_neighbour_a_fake(crop: str) -> None:
    assert numbers(crop, forged=True, mask=mask_of((5, 100, 27))) == []


def test_a_fake_without_mask_gives_the_largest_face_alone() -> None:
    assert numbers("every", forged=True) == [2]


def test_no_face_gives_none() -> None:
    assert choose([], "every", forged=False, mask=None) == []


def test_the_box_of_the_points_counts() -> None:
    points = np.array([[10, 20], [30, 60]], dtype=np.float32)
    assert Face((0.0, 0.0, 99.0, 99.0), 1.0, points).extent == (10, 20, 30, 60)
    assert Face((1.0, 2.0, 3.0, 4.0), 1.0, None).extent == (1, 2, 3, 4)


SIDES = st.integers(1, 400)


@given(
    size=st.tuples(SIDES, SIDES),
    corner=st.tuples(st.floats(-50, 450), st.floats(-50, 450)),
    sides=st.tuples(st.floats(1, 300), st.floats(1, 300)),
    margin=st.floats(0, 2),
)
def test_a_square_lies_inside_and_is_cut_only_where_the_picture_is_too_small(size, corner, sides, margin) -> None:
    extent = corner[0], corner[1], corner[0] + sides[0], corner[1] + sides[1]
    x0, y0, x1, y1 = square_around(extent, size, margin=margin)
    side = max(1, round(max(extent[2] - extent[0], extent[3] - extent[1]) * (1 + 2 * margin)))
    assert 0 <= x0 < x1 <= size[0]
    assert 0 <= y0 < y1 <= size[1]
    assert (x1 - x0, y1 - y0) == (min(side, size[0]), min(side, size[1]))


def test_a_square_well_inside_is_centred_on_the_face() -> None:
    assert square_around((100, 110, 140, 130), (400, 400), margin=0.5) == (80, 80, 160, 160)


def test_another_detector_can_be_named() -> None:
    check_detector("tests.spots:SpotDetector")
    assert isinstance(create_detector("tests.spots:SpotDetector"), SpotDetector)


@pytest.mark.parametrize("name", ["tests.spots:Nothing", "no.such.module:Class"])
def test_a_detector_that_can_t_be_loaded_is_named(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"assemble.faces.detector: '{name}' can't be loaded"):
        create_detector(name)


def test_what_is_no_detector_s_name_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match=r"assemble.faces.detector: 'dlib' is not a detector; choose none, mediapipe"):
        check_detector("dlib")


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"unmask\[faces\]"):
        check_detector("mediapipe")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (RuntimeError("out of memory"), "RuntimeError: out of memory"),
        ([Face((0, 0, 9, 9), 1, np.zeros((5, 2), dtype=np.float32))], "reshape"),
        ([Face((0, 0, float("nan"), 9), 1, None)], "finite box"),
    ],
)
def test_what_a_detector_does_wrong_is_said(answer: object, message: str) -> None:
    class Odd:
        def detect(self, image: Image.Image) -> list[Face]:
            if isinstance(answer, Exception):
                raise answer
            return answer

    with pytest.raises(ConfigError, match=rf"assemble\.faces\.detector: Odd .*{message}"):
        find_faces(Odd(), Image.new("RGB", (20, 20)))


def test_a_face_outside_the_picture_is_none() -> None:
    class Wide:
        def detect(self, image: Image.Image) -> list[Face]:
            return [Face(box, 1, None) for box in ((-9, 2, 5, 9), (20, 2, 30, 9), (4, 4, 4, 9))]

    assert [face.box for face in find_faces(Wide(), Image.new("RGB", (20, 20)))] == [(-9, 2, 5, 9)]


def test_a_detector_s_version_follows_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    for name, body in (("first_finder", "return []"), ("second_finder", "return [1]")):
        (tmp_path / f"{name}.py").write_text(f"class Finder:\n    def detect(self, image):\n        {body}\n")
    versions = {detector_version(f"{name}_finder:Finder") for name in ("first", "second")}
    assert len(versions) == 2
    assert detector_version("none") == ""
    with pytest.raises(ConfigError, match=r"assemble\.faces\.detector: 'os:path' is not a class"):
        detector_version("os:path")
