import json
from collections.abc import Callable
from pathlib import Path

import pytest

from unmask.data.sources.forensynths import ForenSynths
from unmask.data.sources.tree import Tree


def test_the_test_and_training_archives(take, fill, tmp_path: Path) -> None:
    paths = [
        "test/biggan/0_real/1.png",
        "test/biggan/1_fake/1.png",
        "test/stylegan/bedroom/0_real/1.png",
        "test/stylegan/bedroom/1_fake/1.png",
        "train/airplane/0_real/1.png",
        "train/airplane/1_fake/1.png",
    ]
    taken = take(fill(tmp_path / "dataset", *paths))
    told = taken.rows.loc[paths, ["source", "label", "generator"]].apply(tuple, axis=1).tolist()
    assert told == [
        ("forensynths-biggan", "real", "camera"),
        ("forensynths-biggan", "fake", "biggan"),
        ("forensynths-stylegan", "real", "camera"),
        ("forensynths-stylegan", "fake", "stylegan"),
        ("forensynths-progan", "real", "camera"),
        ("forensynths-progan", "fake", "progan"),
    ]
    assert json.loads(taken[paths[2]]["attributes"]) == {"category": "bedroom", "official_split": "test"}
    assert json.loads(taken[paths[4]]["attributes"]) == {"category": "airplane", "official_split": "train"}
    assert set(taken.rows["group_hint"]) == {""}
    assert set(taken.rows["clip"]) == {""}


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("test", "cyclegan/horse/1_fake/1.png", ("cyclegan", "horse")),
        ("cyclegan", "horse/1_fake/1.png", ("cyclegan", "horse")),
        ("train", "train/1_fake/1.png", ("progan", "train")),
        ("train", "horse/1_fake/1.png", ("progan", "horse")),
        ("dataset", "val/car/1_fake/1.png", ("progan", "car")),
        ("dataset", "train/progan/car/1_fake/1.png", ("progan", "car")),
        ("realfakedir", "1_fake/1.png", ("realfakedir", "")),
    ],
)
def test_the_generator_wherever_the_root_is(
    tree_of: Callable[..., Tree], root: str, path: str, expected: tuple[str, str]
) -> None:
    (found,) = ForenSynths().find(tree_of([path], name=root), "").found.values()
    assert (found.generator, found.attributes["category"]) == expected
