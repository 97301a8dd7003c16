"""A small sound collection of pictures, which passes the gate without a remark that any fault is found by."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from tests.faces import draw_face, face_points

SIDES = (96, 112, 128, 144)
QUALITIES = (80, 86, 92)
PAIRS = 40
NEWS = "news"


def picture(seed: int, side: int = 128) -> Image.Image:
    """A picture that no other seed is like."""
    return Image.fromarray(draw_face(seed, side))


def save(path: Path, image: Image.Image, quality: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=quality)
    return path


def jpeg(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def write_news(root: Path) -> None:
    """The source `news`: PAIRS reals and fakes of equal formats, sizes and qualities, with all sidecars."""
    folder, pairs, marks, people = root / NEWS, [], [], []
    for number in range(PAIRS):
        side, quality = SIDES[number % len(SIDES)], QUALITIES[number % len(QUALITIES)]
        real, fake = f"real/camera/{number:02}.jpg", f"fake/faceswap/{number:02}.jpg"
        # Shifted by one, so that no pair shares size and quality, and no class has one of its own.
        other = SIDES[(number + 1) % len(SIDES)], QUALITIES[(number + 1) % len(QUALITIES)]
        save(folder / real, picture(number, side), quality)
        save(folder / fake, picture(1000 + number, other[0]), other[1])
        save(folder / "masks" / fake.replace(".jpg", ".png"), Image.new("L", (other[0], other[0]), 255))
        pairs.append({"real": real, "fake": fake})
        for file, size in ((real, side), (fake, other[0])):
            marks.append({"file": file, "landmarks": face_points(size).ravel().astype(np.float32)})
            people.append({"file": file, "group": f"person {number}"})
    pd.DataFrame(pairs).to_csv(folder / "pairs.csv", index=False)
    pd.DataFrame(people).to_csv(folder / "attributes.csv", index=False)
    pd.DataFrame(marks).to_parquet(folder / "landmarks.parquet")


def write_list(root: Path, rows: list[tuple[str, str, str]]) -> None:
    """A list of path, label and generator beside three pictures, the first of which it names rightly."""
    for number in range(3):
        save(root / f"{number}.jpg", picture(7000 + number))
    table = pd.DataFrame([("0.jpg", "real", "camera"), *rows], columns=["path", "label", "generator"])
    table.to_csv(root / "list.csv", index=False)


def write_source(root: Path, name: str, first_seed: int, *, count: int = 16, fake: str = "faceswap") -> None:
    """A plain source: COUNT reals and fakes of mixed sizes, all JPEG."""
    for number in range(count):
        for place, seed in (("real/camera", first_seed), (f"fake/{fake}", first_seed + 500)):
            side = SIDES[(number + (seed > first_seed)) % len(SIDES)]
            save(root / name / place / f"{number:02}.jpg", picture(seed + number, side))
