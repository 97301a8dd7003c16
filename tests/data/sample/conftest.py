from pathlib import Path

import pytest

from unmask.data.sample.build import draw_sample
from unmask.data.sample.camera import MODELS, photograph
from unmask.data.sample.fields import stream
from unmask.data.sample.forgers import Photo
from unmask.data.sample.generator import Generator, fit_generator
from unmask.data.sample.plan import SampleCounts
from unmask.data.sample.portrait import draw_identity, draw_shot
from unmask.data.sample.render import draw_scene

FEW = SampleCounts(real=2, unlabelled=2, seen=1, unseen=1, album=3)


@pytest.fixture(scope="session")
def drawn_alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alone")
    draw_sample(out, seed=7, batch=1, counts=FEW, workers=1)
    return out / "sample"


@pytest.fixture(scope="session")
def drawn_by_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("two")
    draw_sample(out, seed=7, batch=1, counts=FEW, workers=2)
    return out / "sample"


@pytest.fixture(scope="session")
def photos() -> list[Photo]:
    taken = []
    for number in range(6):
        shot = draw_shot((7, number, 0), newest=False)
        scene = draw_scene(draw_identity(7, number), shot, 7)
        pixels = photograph(scene.radiance, shot.size, MODELS[shot.camera], stream(7, 6, number))
        taken.append(Photo(pixels, scene.landmarks))
    return taken


@pytest.fixture(scope="session")
def generator(photos: list[Photo]) -> Generator:
    return fit_generator([p.pixels for p in photos], [p.landmarks for p in photos])
