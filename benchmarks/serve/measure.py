"""Rounds of load, the sides in turn."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np

from benchmarks.serve.floor import BATCHES, Floor
from benchmarks.serve.load import Measured
from benchmarks.serve.server import Server
from unmask.console import say
from unmask.errors import UnmaskError

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class Level:
    """CLIENTS requests at a time of PICTURES each."""

    clients: int
    pictures: int

    def __str__(self) -> str:
        return f"{self.clients} x {self.pictures}"


LEVELS = (Level(1, 1), Level(8, 1), Level(32, 1), Level(128, 1), Level(1, 32), Level(4, 32))


@dataclass(frozen=True)
class Cell:
    """One side at one level in one round: requests a second, milliseconds, requests refused, cores the load took."""

    side: str
    level: Level
    rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    refused: int
    load_cores: float


def cell_of(side: str, level: Level, measured: Measured) -> Cell:
    """What a load saw, summed up.

    Raises:
        UnmaskError: not one request was answered.
    """
    if not measured.latencies_s or not measured.answered:
        raise UnmaskError(f"{side}, {level}: no request was answered (statuses {dict(measured.refused)})")
    p50, p95, p99 = (float(each) for each in 1e3 * np.percentile(measured.latencies_s, PERCENTILES))
    rate, refused = measured.answered / measured.seconds, sum(measured.refused.values())
    return Cell(side, level, rate, p50, p95, p99, refused, measured.load_cores)


def load(server: Server, folder: Path, level: Level, *, seconds: float = 0.0, requests: int = 0) -> Measured:
    """Ask a server about the pictures in FOLDER from a process of its own, for SECONDS or until REQUESTS were sent.

    Raises:
        UnmaskError: the load ended with an error.
    """
    options = {
        "port": server.port,
        "folder": folder,
        "clients": level.clients,
        "pictures": level.pictures,
        "seconds": seconds,
        "warm": seconds / 8,
        "requests": requests,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.serve.load", *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UnmaskError(f"the load failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    return Measured(**json.loads(done.stdout))


def compare(
    servers: Mapping[str, Server],
    floor: Floor,
    folder: Path,
    *,
    levels: Sequence[Level],
    rounds: int,
    seconds: float,
) -> tuple[list[Cell], list[float]]:
    """Cells of all rounds and the floor's pictures a second in each, sides and floor taking turns."""
    cells: list[Cell] = []
    floors: list[float] = []
    for turn in range(1, rounds + 1):
        say(f"round {turn} of {rounds}")
        floors.append(max(floor.rate(batch=batch, seconds=seconds / len(BATCHES)) for batch in BATCHES))
        for level in levels:
            for side, server in servers.items():
                cells.append(cell_of(side, level, load(server, folder, level, seconds=seconds)))
    return cells, floors


def probabilities(server: Server, pictures: Sequence[Path]) -> list[float | None]:
    """What a server says of each picture; None where it finds no face."""
    said: list[float | None] = []
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=60.0) as client:
        for path in pictures:
            answer = client.post("/predict", files={"images": (path.name, path.read_bytes(), "image/jpeg")})
            body = answer.raise_for_status().json()
            if isinstance(body, list):
                said.append(float(body[0]))
            else:
                judgement = body["answers"][0]["judgement"]
                said.append(judgement and float(judgement["probability"]))
    return said


def check_same(side: str, said: Sequence[float | None], expected: Sequence[float]) -> None:
    """See that a side says what the floor says.

    Raises:
        UnmaskError: a picture is judged otherwise, so the two do not the same work.
    """
    apart = max(1.0 if one is None else abs(one - other) for one, other in zip(said, expected, strict=True))
    if apart > 1e-3:
        raise UnmaskError(f"{side}: a probability is {apart:.2g} away from the floor's")
