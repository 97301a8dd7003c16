import base64
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from unmask.config import load_config
from unmask.data.shards import ShardWriter
from unmask.evaluation.record import Mistake
from unmask.evaluation.worst import FAKE, REAL, STRONGEST, activation_maps, overlay, worst_mistakes
from unmask.labels.explanation import best_altered_state
from unmask.labels.graph import FFPP
from unmask.models.detector import Detector, create_detector, detector_spec

ROOT = Path(__file__).parents[2]
SIZE = 20
ROWS = [  # label, p_fake, verdict, group, generator
    ("real", 0.99, "fake", "a", "camera"),
    ("real", 0.98, "fake", "a", "camera"),
    ("real", 0.60, "uncertain", "b", "camera"),
    ("real", 0.10, "real", "c", "camera"),
    ("fake", 0.05, "real", "a", "swap"),
    ("fake", 0.02, "real", "b", "warp"),
    ("fake", 0.97, "fake", "c", "swap"),
]


@pytest.fixture(scope="module")
def detector() -> Detector:
    settings = ["preprocess.size_px=20", "preprocess.window_px=24", "encoder.args={}"]
    config = load_config(ROOT, settings)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    spec = detector_spec(
        encoder=config.encoder,
        head="linear",
        labels=config.labels,
        attributes=True,
        text=config.teach.text,
        preprocess=config.preprocess,
    )
    return create_detector(spec).eval()


@pytest.fixture(scope="module")
def found(detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Mistake]]:
    root = tmp_path_factory.mktemp("dataset")
    marginals = np.full(len(FFPP), 0.9)
    frame = pd.DataFrame(ROWS, columns=["label", "p_fake", "verdict", "group", "generator"]).assign(source="s")
    frame["image_id"] = [f"{index:016x}" for index in range(len(frame))]
    frame["marginals"] = [marginals] * len(frame)
    frame["state"] = [best_altered_state(marginals, FFPP).tolist()] * len(frame)
    with ShardWriter(root / "crops-a.zip") as shard:
        for name in frame["image_id"]:
            coded = io.BytesIO()
            Image.new("RGB", (300, 200), (200, 10, 10)).save(coded, "PNG")
            shard.write(f"{name}.png", coded.getvalue())
    keys = pd.Series("crops-a.zip/" + frame["image_id"] + ".png").set_axis(frame["image_id"])
    return worst_mistakes(detector, frame, keys, root, count=4, device="cpu")


def _image(coded: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(coded)))


def test_the_most_wrong_comes_first_and_right_verdicts_never(found: dict[str, list[Mistake]]) -> None:
    assert [one.p_fake for one in found["real"]] == [0.99, 0.6]
    assert [one.p_fake for one in found["fake"]] == [0.02, 0.05]


def test_a_group_is_shown_once_a_generator(found: dict[str, list[Mistake]]) -> None:
    assert 0.98 not in [one.p_fake for one in found["real"]]
    assert {one.generator for one in found["fake"]} == {"swap", "warp"}


def test_the_sentence_follows_the_verdict(found: dict[str, list[Mistake]]) -> None:
    assert found["real"][0].sentence.startswith("altered: ")
    assert found["fake"][0].sentence.startswith("no alteration found")


def test_what_was_judged_is_shown_beside_its_map(found: dict[str, list[Mistake]]) -> None:
    for coded in (found["real"][0].picture, found["real"][0].overlay):
        image = _image(coded)
        assert (image.format, image.size) == ("JPEG", (SIZE, SIZE))
    assert _image(found["real"][0].picture).getpixel((0, 0))[0] > 150


def test_no_mistakes_need_no_network(detector: Detector) -> None:
    assert activation_maps(detector, [], device="cpu") == []


def test_places_are_coloured_by_the_evidence_there() -> None:
    grey = np.full((8, 8, 3), 100, dtype=np.uint8)
    heat = np.array([[9.0, 0.0], [0.0, -9.0]], dtype=np.float32)
    shown = np.asarray(overlay(grey, heat), dtype=float)
    for place, colour in (((0, 0), FAKE), ((7, 7), REAL)):
        expected = 100 * (1 - STRONGEST) + STRONGEST * np.asarray(colour)
        assert shown[place] == pytest.approx(expected, abs=2)
    assert np.abs(shown[0, 7] - 100).max() < 2  # even odds leave the picture grey
