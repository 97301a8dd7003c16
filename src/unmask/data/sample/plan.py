"""Which pictures a batch holds: people, photographs, forgers and file names, all from the seed."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from unmask.data.sample.fields import Rng, stream
from unmask.data.sample.forgers import SEEN, UNSEEN

Batch = Literal[1, 2]
PLAN_STREAM = 5
PHOTOS_SHARES = (0.5, 0.3, 0.2)  # of people with one, two and three photographs
UNPAIRED = 0.2  # share of seen forgeries whose original photograph is not in the sample
POOLS = {"real": 1, "hidden": 2, "unseen": 3, "album": 4}
WINDOWS = {1: (date(2025, 1, 6), 250), 2: (date(2025, 10, 1), 80)}  # first day and number of days


@dataclass(frozen=True)
class SampleCounts:
    """How many pictures one batch holds."""

    real: int
    unlabelled: int
    seen: int  # of each forger in forgers.SEEN
    unseen: int  # of each forger in forgers.UNSEEN
    album: int = 140  # people who appear only as donors and as the generator's examples


FULL: dict[int, SampleCounts] = {
    1: SampleCounts(real=960, unlabelled=480, seen=180, unseen=110),
    2: SampleCounts(real=240, unlabelled=120, seen=45, unseen=60),
}


@dataclass(frozen=True)
class Item:
    """One picture to draw."""

    person: int
    shot: int
    path: str  # without the ending
    forger: str  # "" for a camera picture
    paired: str  # path, without ending, of the original in the sample, or ""
    first_seen: str
    codec: tuple[int, ...]  # keys of the encoding's stream
    batch: Batch


def album_people(count: int, batch: Batch) -> list[int]:
    """Numbers of the people who only lend their faces."""
    return [_number(batch, "album", k) for k in range(count)]


def plan_batch(seed: int, batch: Batch, counts: SampleCounts) -> list[Item]:
    """List the batch's pictures; the seed settles everything."""
    rng = stream(seed, PLAN_STREAM, batch)
    maker = _Maker(rng, batch)
    reals = [maker.item(p, s, "real/camera") for p, s in _photos(rng, batch, "real", counts.real)]
    items = list(reals)
    originals = [reals[k] for k in rng.permutation(len(reals))]
    for place in range(counts.seen * len(SEEN)):
        original, forger = originals[place % len(originals)], SEEN[place % len(SEEN)]
        if rng.random() < UNPAIRED:
            items.append(maker.item(original.person, original.shot + 10, f"fake/{forger}", forger))
        else:
            items.append(maker.item(original.person, original.shot, f"fake/{forger}", forger, original.path))
    for place, (person, shot) in enumerate(_photos(rng, batch, "unseen", counts.unseen * len(UNSEEN))):
        forger = UNSEEN[place % len(UNSEEN)]
        items.append(maker.item(person, shot, f"fake/{forger}", forger))
    for person, shot in _photos(rng, batch, "hidden", counts.unlabelled):
        forger = str(rng.choice(SEEN)) if rng.random() < 0.5 else ""
        items.append(maker.item(person, shot, "unlabelled/camera_or_mixed", forger))
    return items


@dataclass
class _Maker:
    rng: Rng
    batch: Batch

    def item(self, person: int, shot: int, folder: str, forger: str = "", paired: str = "") -> Item:
        token = self.rng.bytes(6).hex()
        start, days = WINDOWS[self.batch]
        day = start + timedelta(days=int(self.rng.integers(days)))
        codec = tuple(int(k) for k in self.rng.integers(2**31, size=2))
        return Item(person, shot, f"{folder}/{token}", forger, paired, day.isoformat(), codec, self.batch)


def _photos(rng: Rng, batch: Batch, pool: str, count: int) -> list[tuple[int, int]]:
    photos: list[tuple[int, int]] = []
    person = 0
    while len(photos) < count:
        number = _number(batch, pool, person)
        photos += [(number, shot) for shot in range(int(rng.choice([1, 2, 3], p=PHOTOS_SHARES)))]
        person += 1
    return photos[:count]


def _number(batch: Batch, pool: str, place: int) -> int:
    return batch * 1_000_000 + POOLS[pool] * 100_000 + place
