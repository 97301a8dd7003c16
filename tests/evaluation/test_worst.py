import base64
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from unmask.data.shards import ShardWriter
from unmask.evaluation.worst import THUMBNAIL_PX, Mistake, worst_mistakes
from unmask.labels.explanation import best_altered_state
from unmask.labels.graph import FFPP

ROWS = [  # label, p_fake, verdict, group, generator
    ("real", 0.99, "fake", "a", "camera"),
    ("real", 0.98, "fake", "a", "camera"),
    ("real", 0.60, "uncertain", "b", "camera"),
    ("real", 0.10, "real", "c", "camera"),
    ("fake", 0.05, "real", "a", "swap"),
    ("fake", 0.02, "real", "b", "warp"),
    ("fake", 0.97, "fake", "c", "swap"),
]


@pytest.fixture
def found(tmp_path: Path) -> dict[str, list[Mistake]]:
    marginals = np.full(len(FFPP), 0.9)
    frame = pd.DataFrame(ROWS, columns=["label", "p_fake", "verdict", "group", "generator"]).assign(source="s")
    frame["image_id"] = [f"{index:016x}" for index in range(len(frame))]
    frame["marginals"] = [marginals] * len(frame)
    frame["state"] = [best_altered_state(marginals, FFPP).tolist()] * len(frame)
    with ShardWriter(tmp_path / "crops-a.zip") as shard:
        for name in frame["image_id"]:
            coded = io.BytesIO()
            Image.new("RGB", (300, 200), (200, 10, 10)).save(coded, "PNG")
            shard.write(f"{name}.png", coded.getvalue())
    keys = pd.Series("crops-a.zip/" + frame["image_id"] + ".png").set_axis(frame["image_id"])
    return worst_mistakes(frame, keys, tmp_path, graph=FFPP, count=4)


def test_the_most_wrong_comes_first_and_right_verdicts_never(found: dict[str, list[Mistake]]) -> None:
    assert [one.p_fake for one in found["real"]] == [0.99, 0.6]
    assert [one.p_fake for one in found["fake"]] == [0.02, 0.05]


def test_a_group_is_shown_once_a_generator(found: dict[str, list[Mistake]]) -> None:
    assert 0.98 not in [one.p_fake for one in found["real"]]


def test_the_sentence_follows_the_verdict(found: dict[str, list[Mistake]]) -> None:
    assert found["real"][0].sentence.startswith("altered: ")
    assert found["fake"][0].sentence.startswith("no alteration found")


def test_the_thumbnail_is_a_small_jpeg_of_the_crop(found: dict[str, list[Mistake]]) -> None:
    picture = Image.open(io.BytesIO(base64.b64decode(found["real"][0].thumbnail)))
    assert picture.format == "JPEG"
    assert max(picture.size) == THUMBNAIL_PX
    assert picture.getpixel((5, 5)) == pytest.approx((200, 10, 10), abs=8)
