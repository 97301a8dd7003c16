"""What the drill sends and what it measures on: pictures that no stage of the pipeline ever sees but as traffic."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from unmask.data.splits import uniform

REAL = "camera"


@dataclass(frozen=True)
class Picture:
    """An encoded picture with the truth about it; pictures of one GROUP (a person, a pair) stay together."""

    name: str
    data: bytes
    label: Literal["real", "fake"]
    generator: str
    group: str


@dataclass(frozen=True)
class Material:
    """Usual traffic, the newcomer's pictures for the traffic, and pictures that are never sent, to measure on.

    The NOTE says what the choice of the newcomer means for the figures.
    """

    newcomer: str
    usual: Sequence[Picture]
    new: Sequence[Picture]
    held_out: Sequence[Picture]
    note: str = ""

    def __str__(self) -> str:
        sent, kept = (_counted(pictures) for pictures in ([*self.usual, *self.new], self.held_out))
        return f"traffic: {sent}; held out: {kept}"


def divide(pictures: Iterable[Picture], share: float, *, seed: int) -> tuple[list[Picture], list[Picture]]:
    """Pictures to send and, of about SHARE of the groups, pictures to hold out; no group is on both sides."""
    sent: list[Picture] = []
    kept: list[Picture] = []
    for picture in pictures:
        (kept if uniform(seed, "drill", picture.group) < share else sent).append(picture)
    return sent, kept


def _counted(pictures: Iterable[Picture]) -> str:
    counts = Counter(picture.generator for picture in pictures)
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
