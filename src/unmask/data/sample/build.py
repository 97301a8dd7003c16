"""Draw the sample into a source folder: pictures, masks, pairs, attributes and landmarks."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from unmask.console import track
from unmask.data.parallel import Workers, ordered_map, process_pool
from unmask.data.sample.camera import MODELS, photograph
from unmask.data.sample.codec import encode, encode_mask
from unmask.data.sample.fields import Numbers, Rng, stream
from unmask.data.sample.forgers import Photo, forge
from unmask.data.sample.generator import Generator, fit_generator
from unmask.data.sample.plan import Batch, Item, SampleCounts, album_people, plan_batch
from unmask.data.sample.portrait import Shot, describe, draw_identity, draw_shot
from unmask.data.sample.render import draw_scene
from unmask.data.sample.warping import Points
from unmask.data.tables import write_table
from unmask.errors import DataError
from unmask.files import replacing

In = TypeVar("In")
Out = TypeVar("Out")
CAMERA_STREAM, FORGER_STREAM, CODEC_STREAM = 6, 7, 8
NEAREST_DONORS = 6  # a donor is drawn from this many of the album whose pose and light are most alike


@dataclass(frozen=True)
class Album:
    """Faces lent to the forgers, with their pose and light, and the generator that was fitted on them."""

    photos: list[Photo]
    traits: Numbers
    generator: Generator


@dataclass(frozen=True)
class Drawn:
    """One finished picture."""

    item: Item
    data: bytes
    ending: str
    mask: bytes
    landmarks: Points
    attributes: dict[str, str]


def draw_sample(out: Path, *, seed: int, batch: Batch, counts: SampleCounts, workers: int) -> None:
    """Write OUT/sample, one batch of drawn pictures in the layout that ingest reads.

    The pictures depend on SEED, BATCH and COUNTS alone, not on WORKERS.

    Raises:
        DataError: OUT/sample exists already.
    """
    target = out / "sample"
    if target.exists():
        raise DataError(f"{target}: exists already; choose another folder or remove it")
    with process_pool(Workers(workers), workers) as pool, replacing(target) as folder:
        people = album_people(counts.album, batch)
        photos = list(
            track(_run(pool, workers, partial(_album_photo, seed, batch), people), "album", total=len(people))
        )
        traits = np.array([_traits(_album_shot(seed, batch, person)) for person in people])
        generator = fit_generator([p.pixels for p in photos], [p.landmarks for p in photos])
        groups = _by_photograph(plan_batch(seed, batch, counts))
        draw = partial(_draw_group, seed, Album(photos, traits, generator))
        drawn = track(_run(pool, workers, draw, groups), f"sample batch {batch}", total=len(groups))
        _write(folder, chain.from_iterable(drawn))


def _run(
    pool: Executor | None, workers: int, work: Callable[[In], Out], items: Sequence[In]
) -> Iterable[Out]:
    # The album travels with every chunk, so chunks are few.
    size = max(1, len(items) // (workers * 16))
    chunks = [items[start : start + size] for start in range(0, len(items), size)]
    return chain.from_iterable(ordered_map(pool, partial(_each, work), chunks, ahead=4 * workers))


def _each(work: Callable[[In], Out], items: Sequence[In]) -> list[Out]:
    return [work(item) for item in items]


def _album_shot(seed: int, batch: Batch, person: int) -> Shot:
    return draw_shot((seed, person, 0), newest=batch == 2)


def _album_photo(seed: int, batch: Batch, person: int) -> Photo:
    return take_photo(seed, person, _album_shot(seed, batch, person))


def take_photo(seed: int, person: int, shot: Shot) -> Photo:
    """Photograph a drawn person, as the camera gives it before the last encoding."""
    scene = draw_scene(draw_identity(seed, person), shot, seed)
    rng = stream(seed, CAMERA_STREAM, *shot.seed[1:])
    return Photo(photograph(scene.radiance, shot.size, MODELS[shot.camera], rng), scene.landmarks)


def _by_photograph(items: Sequence[Item]) -> list[list[Item]]:
    """Bring together the pictures that start from one photograph, the original first, so that it is taken once."""
    groups: dict[tuple[int, int], list[Item]] = {}
    for item in items:
        groups.setdefault((item.person, item.shot), []).append(item)
    return list(groups.values())


def _draw_group(seed: int, album: Album, items: Sequence[Item]) -> list[Drawn]:
    first = items[0]
    person = draw_identity(seed, first.person)
    shot = draw_shot((seed, first.person, first.shot), newest=first.batch == 2)
    photo, attributes = take_photo(seed, first.person, shot), describe(person, shot)
    return [_finish(seed, album, item, photo, shot=shot, attributes=attributes) for item in items]


def _finish(seed: int, album: Album, item: Item, photo: Photo, *, shot: Shot, attributes: dict[str, str]) -> Drawn:
    mask = b""
    if item.forger:
        rng = stream(seed, FORGER_STREAM, *item.codec)
        forged = forge(item.forger, photo, _donor(album, shot, rng), album.generator, rng)
        photo, mask = Photo(forged.pixels, forged.landmarks), encode_mask(forged.mask)
    data, ending = encode(photo.pixels, stream(seed, CODEC_STREAM, *item.codec))
    return Drawn(item, data, ending, mask, photo.landmarks, attributes)


def _traits(shot: Shot) -> Numbers:
    return np.array([4 * shot.yaw, 4 * shot.pitch, 0.8 * shot.light_from[0], shot.smile, shot.size / 80])


def _donor(album: Album, shot: Shot, rng: Rng) -> Photo:
    apart = np.linalg.norm(album.traits - _traits(shot), axis=1)
    return album.photos[int(rng.choice(np.argsort(apart, kind="stable")[:NEAREST_DONORS]))]


def _write(folder: Path, drawn: Iterable[Drawn]) -> None:
    attributes, points, endings, pairs = [], [], {}, []
    for one in drawn:
        item, file = one.item, f"{one.item.path}.{one.ending}"
        endings[item.path] = one.ending
        _put(folder / file, one.data)
        if one.mask and item.path.startswith("fake/"):  # a mask beside an unlabelled picture would tell its label
            _put(folder / "masks" / f"{item.path}.png", one.mask)
        if item.paired:
            pairs.append({"real": f"{item.paired}.{endings[item.paired]}", "fake": file})
        row = {"file": file, "group": f"person-{item.person}", "first_seen": item.first_seen}
        attributes.append(row | one.attributes)
        points.append({"file": file, "landmarks": one.landmarks.astype(np.float32).ravel()})
    pd.DataFrame(attributes).sort_values("file").to_csv(folder / "attributes.csv", index=False)
    pd.DataFrame(pairs, columns=["real", "fake"]).sort_values("fake").to_csv(folder / "pairs.csv", index=False)
    write_table(folder / "landmarks.parquet", pd.DataFrame(points).sort_values("file"))


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
