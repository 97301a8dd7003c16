import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.conftest import module_of_extra
from unmask.data.batches import list_batches, read_index, read_quarantine
from unmask.data.ingest import ingest
from unmask.data.sources.tree import Tree


@dataclass
class Taken:
    """Index rows by path, with the path of the pair's real in `pair`, and what was refused by path."""

    rows: pd.DataFrame
    refused: dict[str, str]
    summary: str

    def __getitem__(self, path: str) -> pd.Series:
        return self.rows.loc[path]


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., Taken]:
    """Ingest a folder and read back what came of it."""

    def run(root: Path | str, **options: str) -> Taken:
        data = tmp_path / "taken"
        summary = ingest(root, data, today="2026-11-21", **options)
        batch = list_batches(data)[-1]
        rows, quarantine = read_index(batch).set_index("path"), read_quarantine(batch)
        path_of = dict(zip(rows["raw_sha256"], rows.index, strict=True)) | {"": ""}
        refused = dict(zip(quarantine["path"], quarantine["reason"], strict=True))
        return Taken(rows.assign(pair=rows["pair_sha256"].map(path_of)), refused, summary)

    return run


@pytest.fixture
def fill(put_picture: Callable[..., Path], draw_picture: Callable[..., Image.Image]) -> Callable[..., Path]:
    """Put a picture that no other shares at each path below a root."""
    seeds = iter(range(10_000, 20_000))

    def run(root: Path, *paths: str) -> Path:
        for path in paths:
            put_picture(root / path, draw_picture(next(seeds), (24, 20)))
        return root

    return run


@pytest.fixture
def fill_clips() -> Callable[..., Path]:
    """Put a clip of three frames that no other shares at each path below a root."""
    av = module_of_extra("av", "clips")
    rng = np.random.default_rng(5)

    def run(root: Path, *paths: str, size: tuple[int, int] = (48, 32)) -> Path:
        for path in paths:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            with av.open(str(root / path), "w", format="mp4") as container:
                stream = container.add_stream("mpeg4", rate=10)
                stream.width, stream.height = size
                stream.pix_fmt = "yuv420p"
                for _ in range(3):
                    pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
                container.mux(stream.encode(None))
        return root

    return run


@pytest.fixture
def tree_of() -> Callable[..., Tree]:
    """A tree without a disk: bytes by path."""

    def make(files: Mapping[str, bytes] | list[str], name: str = "root") -> Tree:
        held = dict.fromkeys(files, b"") if isinstance(files, list) else dict(files)
        return Tree(name, name, tuple(sorted(held)), lambda path: io.BytesIO(held[path]))

    return make
