"""Damages files as chance and malice do: bits, lengths, pieces that are missing, doubled, or of another file."""

import random
import struct
from collections.abc import Sequence

EXTREMES = [struct.pack(">I", value) for value in (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1)]


def mutate(seeds: Sequence[bytes], chance: random.Random) -> bytes:
    """One of SEEDS after one to eight changes."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 8)):
        chance.choice(CHANGES)(data, chance, seeds)
    return bytes(data)


def _place(data: bytearray, chance: random.Random) -> int:
    # Half of them in the first bytes, where formats keep what decoders trust.
    return chance.randrange(min(len(data), 128) if chance.random() < 0.5 else len(data)) if data else 0


def _flip(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    if data:
        data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _overwrite(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    at = _place(data, chance)
    data[at : at + 4] = chance.choice(EXTREMES) if chance.random() < 0.5 else chance.randbytes(4)


def _turn(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    at = _place(data, chance)
    data[at : at + 4] = chance.choice(EXTREMES)[::-1]


def _cut(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    at = _place(data, chance)
    del data[at : at + chance.randint(1, 64)]


def _end(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    del data[_place(data, chance) :]


def _double(data: bytearray, chance: random.Random, _: Sequence[bytes]) -> None:
    at = _place(data, chance)
    piece = bytes(data[at : at + chance.randint(1, 256)])
    data[at:at] = piece * chance.randint(1, 8)


def _splice(data: bytearray, chance: random.Random, seeds: Sequence[bytes]) -> None:
    other = chance.choice(seeds)
    data[_place(data, chance) :] = other[chance.randrange(len(other)) :]


CHANGES = (_flip, _flip, _overwrite, _turn, _cut, _end, _double, _splice)
