from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from unmask.config import Assemble, Encoder, Faces

FORMATS = ("jpg", "png", "webp", "bmp", "tif")


def draw(seed: int, size: tuple[int, int] = (96, 80)) -> Image.Image:
    """A smooth coloured pattern that no other seed shares, far from any other in perceptual hash."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def put(path: Path, image: Image.Image) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=90)
    return path


def fill_source(root: Path, name: str = "news", *, people: int = 6, first_seed: int = 0) -> Path:
    """Lay out ROOT/NAME: a real and a swapped fake of each person, every third one warped too, two unlabelled."""
    folder = root / name
    pairs, attributes, landmarks = [], [], []
    for person in range(people):
        seed = first_seed + 10 * person
        real, fake = f"real/camera/{person}.{FORMATS[person % 5]}", f"fake/swap/deep/{person}.png"
        put(folder / real, draw(seed))
        put(folder / fake, draw(seed + 1))
        put(folder / f"masks/{Path(fake).with_suffix('.png')}", Image.new("L", (96, 80), 255))
        pairs.append({"real": real, "fake": fake})
        for file in (real, fake):
            row = {"file": file, "group": f"p{person}", "background": ("wall", "park")[person % 2], "glasses": ""}
            attributes.append(row)
            landmarks.append({"file": file, "landmarks": np.linspace(0, 79, 136, dtype=np.float32)})
        if person % 3 == 0:
            put(folder / f"fake/warp/{person}.jpg", draw(seed + 2))
    for number in range(2):
        put(folder / f"unlabelled/mixed/{number}.jpg", draw(first_seed + 5 + number))
    pd.DataFrame(pairs).to_csv(folder / "pairs.csv", index=False)
    pd.DataFrame(attributes).to_csv(folder / "attributes.csv", index=False)
    pd.DataFrame(landmarks).to_parquet(folder / "landmarks.parquet")
    return root


@pytest.fixture(scope="session")
def draw_picture() -> Callable[..., Image.Image]:
    return draw


@pytest.fixture(scope="session")
def put_picture() -> Callable[..., Path]:
    return put


@pytest.fixture(scope="session")
def make_source() -> Callable[..., Path]:
    return fill_source


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A folder with one tiny source of synthetic pictures, with all sidecars."""
    return fill_source(tmp_path / "pictures")


@pytest.fixture
def settings() -> Assemble:
    return Assemble(
        sources=[],
        max_side_px=64,
        min_side_px=32,
        max_megapixels=1.0,
        max_megabytes=1.0,
        max_clip_megabytes=2.0,
        clip_frames=3,
        faces=Faces(detector="none", crop="none", margin=0.3, missing="keep"),
        near_duplicate_bits=4,
        val_fraction=0.25,
        test_fraction=0.25,
        unseen_generators=["warp"],
        labelled_fraction=0.5,
        source_shares={},
        domain="background",
        domain_clusters=2,
        domain_encoder=Encoder("test_resnet", {}, "none", "pretrained"),
    )
