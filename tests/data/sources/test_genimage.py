import json
from collections.abc import Callable
from pathlib import Path

import pytest

from unmask.data.sources.genimage import GenImage
from unmask.data.sources.tree import Tree


def test_generators_with_their_own_reals(take, fill, tmp_path: Path) -> None:
    paths = [
        "BigGAN/imagenet_ai_0419_biggan/train/nature/n01440764_1.png",
        "BigGAN/imagenet_ai_0419_biggan/val/ai/GAN_1.png",
        "Midjourney/val/nature/n01440764_2.png",
        "Midjourney/val/ai/midjourney_1.png",
    ]
    root = fill(tmp_path / "GenImage", *paths, "Midjourney/other/1.png")
    taken = take(root)
    told = taken.rows.loc[paths, ["source", "label", "generator"]].apply(tuple, axis=1).tolist()
    assert told == [
        ("genimage-BigGAN", "real", "camera"),
        ("genimage-BigGAN", "fake", "BigGAN"),
        ("genimage-Midjourney", "real", "camera"),
        ("genimage-Midjourney", "fake", "Midjourney"),
    ]
    assert json.loads(taken[paths[0]]["attributes"]) == {"official_split": "train"}
    assert list(taken.refused) == ["Midjourney/other/1.png"]


@pytest.mark.parametrize(
    ("path", "generator"),
    [("train/ai/1.png", "imagenet_glide"), ("imagenet_ai_0508_adm/val/ai/n1/1.png", "imagenet_ai_0508_adm")],
)
def test_one_generator_or_tiny_genimage(tree_of: Callable[..., Tree], path: str, generator: str) -> None:
    (found,) = GenImage().find(tree_of([path], name="imagenet_glide"), "").found.values()
    assert (found.label, found.generator) == ("fake", generator)
