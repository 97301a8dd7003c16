import dataclasses

import numpy as np
import pytest

from unmask.data.sample.eyes import paint_eyes
from unmask.data.sample.fields import stream
from unmask.data.sample.portrait import draw_identity, draw_shot
from unmask.data.sample.render import draw_scene
from unmask.data.sample.shape import GRID_X, GRID_Y
from unmask.data.sample.skin import marks_of, paint_skin


@pytest.mark.parametrize("yaw", [-0.35, 0.0, 0.35])
def test_landmarks_follow_the_pose(yaw: float) -> None:
    shot = dataclasses.replace(draw_shot((7, 1, 0), newest=False), yaw=yaw, pitch=0.0, roll=0.0, size=128)
    points = draw_scene(draw_identity(7, 1), shot, 7).landmarks
    eyes, tip = points[36:48].mean(0), points[30]
    assert np.sign(np.round((tip[0] - eyes[0]) / 4)) == np.sign(yaw)
    assert points[8, 1] > points[57, 1] > points[33, 1] > eyes[1] > points[17:27, 1].mean()


def test_eyes_are_painted_where_their_landmarks_lie() -> None:
    person, shot = draw_identity(7, 2), dataclasses.replace(draw_shot((7, 2, 0), newest=False), blink=0.0)
    marks = marks_of(person, shot)
    paint = paint_skin(person, shot, marks, stream(7, 2))
    paint_eyes(paint, person, shot, marks, stream(7, 3))
    columns, rows = GRID_X > 0, np.argwhere(paint.eye[:, GRID_X > 0] > 0.5)
    spread = np.stack([GRID_X[columns][rows[:, 1]], GRID_Y[rows[:, 0]]], 1)
    assert np.abs(spread.mean(0) - [marks["eye_x"], 0.0]).max() < 0.02
    assert np.abs(np.ptp(spread[:, 0]) - 2 * marks["eye_w"]) < 0.05


def test_a_person_keeps_their_skin_over_photographs() -> None:
    assert draw_identity(7, 3) == draw_identity(7, 3)
    assert draw_identity(7, 3) != draw_identity(8, 3)
    assert draw_shot((7, 3, 0), newest=False) != draw_shot((7, 3, 1), newest=False)


def test_only_the_newest_batch_has_the_new_camera() -> None:
    first = {draw_shot((7, k, 0), newest=False).camera for k in range(60)}
    second = [draw_shot((7, k, 0), newest=True).camera for k in range(60)]
    assert "dogwood" not in first
    assert second.count("dogwood") > 20
