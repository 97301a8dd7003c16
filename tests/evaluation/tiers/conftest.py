"""A small collection on disk, with its crops made by `assemble`, for what reads originals again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import module_of_extra
from tests.spots import clip_of, scene
from unmask.config import Assemble, Config, load_config
from unmask.data.assemble import assemble
from unmask.data.ingest import ingest
from unmask.data.manifest import read_manifest
from unmask.data.parallel import Workers
from unmask.data.preprocess import PreprocessSpec
from unmask.data.stills import Limits
from unmask.evaluation.tiers.table import CLEAN, Degradation
from unmask.evaluation.tiers.worker import Degrader

ROOT = Path(__file__).parents[3]
SPEC = PreprocessSpec(100, 110, shrink=False)


@dataclass(frozen=True)
class Collection:
    """Where originals and crops lie, the manifest, and the settings they were assembled with."""

    data: Path
    dataset: Path
    manifest: pd.DataFrame
    settings: Assemble


Collect = Callable[..., Collection]


@pytest.fixture(scope="session")
def config() -> Config:
    small = ["preprocess.size_px=20", "preprocess.window_px=24", "encoder.args={}", "scale.device=cpu"]
    return load_config(ROOT, [*small, "scale.workers=1", "evaluate.bootstrap=50", "evaluate.tiers.rows=12"])


@pytest.fixture(scope="session")
def collect(config: Config) -> Collect:
    """Take in the pictures below a folder and make their crops."""

    def run(root: Path, *, detector: str = "none", crop: str = "none", max_side_px: int = 256) -> Collection:
        faces = replace(config.assemble.faces, detector=detector, crop=crop)
        settings = replace(config.assemble, faces=faces, max_side_px=max_side_px, domain="source", clip_frames=3)
        ingest(root / "pictures", root / "data", today="2026-11-21", batch="one")
        assemble(root / "data", root / "out", settings=settings, seed=7, workers=Workers())
        return Collection(root / "data", root / "out", read_manifest(root / "out/manifest.parquet"), settings)

    return run


@pytest.fixture(scope="session")
def street(tmp_path_factory: pytest.TempPathFactory, collect: Collect) -> Collection:
    """A JPEG with two faces, a large PNG without any, and a clip in which a face wanders."""
    module_of_extra("av", "clips")
    root = tmp_path_factory.mktemp("street")
    folder = root / "pictures/news/real/camera"
    folder.mkdir(parents=True)
    scene([(70, 100, 30), (230, 120, 45)], seed=1).save(folder / "two.jpg", quality=90)
    scene([], seed=2, size=(640, 480)).save(folder / "nobody.png")
    (folder / "walk.mp4").write_bytes(clip_of([scene([(60 + 20 * n, 120, 40)], seed=9 + n) for n in range(10)]))
    return collect(root, detector="tests.spots:SpotDetector", crop="every")


@pytest.fixture(scope="session")
def degrader() -> Callable[..., Degrader]:
    """A worker with the settings of `assemble`."""

    def make(settings: Assemble, *degradations: Degradation, min_side_px: int = 1, seed: int = 7) -> Degrader:
        limits = Limits(settings.max_megapixels, settings.max_megabytes, settings.max_clip_megabytes, 3)
        return Degrader((CLEAN, *degradations), (SPEC,), limits, settings.max_side_px, min_side_px, seed)

    return make
