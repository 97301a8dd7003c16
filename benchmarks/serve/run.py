"""The two things that the command does: sides compared, or one of them soaked."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.data.table import as_markdown
from benchmarks.serve.floor import Floor
from benchmarks.serve.measure import Level, check_same, compare, probabilities
from benchmarks.serve.report import figures, medians, ratios
from benchmarks.serve.server import Server, running
from benchmarks.serve.sides import FACES, OURS, create_side
from benchmarks.serve.soak import soak
from unmask.console import say


@dataclass(frozen=True)
class Bench:
    """What is served, what is asked, and a folder for what the services keep and print."""

    bundle: Path
    student: Path
    pictures: Sequence[Path]
    scratch: Path

    @property
    def folder(self) -> Path:
        """Where the pictures lie."""
        return self.pictures[0].parent

    def serve(self, side: str) -> contextlib.AbstractContextManager[Server]:
        """A side's service."""
        made = create_side(side, bundle=self.bundle, student=self.student, scratch=self.scratch)
        return running(made.command, environment=made.environment, log=self.scratch / f"{side}.log")


@dataclass(frozen=True)
class Result:
    """What is printed, and every figure behind it."""

    text: str
    figures: dict[str, object]


def run_soak(bench: Bench, *, requests: int) -> Result:
    """Send REQUESTS to the service."""
    with bench.serve(OURS) as server:
        soaked = soak(server, bench.folder, requests=requests)
    return Result(str(soaked), {**asdict(soaked), "bytes_a_request": soaked.slope()})


def run_comparison(
    bench: Bench, *, peers: Sequence[str], levels: Sequence[Level], rounds: int, seconds: float, starts: int
) -> Result:
    """All levels of the service and PEERS, after STARTS starts of the service alone."""
    cores = len(os.sched_getaffinity(0))
    start_ups = []
    for _ in range(starts):
        with bench.serve(OURS) as server:
            start_ups.append(server.start_up_s)
    floor = Floor(bench.bundle, bench.pictures, threads=cores)
    with contextlib.ExitStack() as stack:
        servers = {side: stack.enter_context(bench.serve(side)) for side in (OURS, *peers)}
        found = _check(servers, floor, bench.pictures)
        cells, floors = compare(servers, floor, bench.folder, levels=levels, rounds=rounds, seconds=seconds)
    summed = medians(cells)
    rows = ratios(summed, median(floors))
    sizes = _sizes(bench.bundle)
    lines = [
        figures(summed),
        as_markdown(rows),
        f"{cores} cores; the floor's {median(floors):.0f} pictures/s are without a load beside it; {rounds} rounds",
        f"start-up to /readyz: {median(start_ups):.1f} s (median of {starts})",
        *(f"{name}: {size / 1e6:.2f} MB" for name, size in sizes.items()),
        *([f"a face is found in {found} of {len(bench.pictures)} pictures"] if FACES in servers else []),
    ]
    kept = {
        "cores": cores,
        "start_up_s": start_ups,
        "bytes": sizes,
        "floor_pictures_per_s": floors,
        "cells": [asdict(cell) for cell in cells],
        "ratios": [asdict(row) for row in rows],
    }
    return Result("\n\n".join([*lines[:2], "\n".join(lines[2:])]), kept)


def _check(servers: dict[str, Server], floor: Floor, pictures: Sequence[Path]) -> int:
    """See that all sides say the same of every picture; returns in how many a face is found (0 where nobody looks)."""
    say("asking every side about every picture")
    expected, found = floor.probabilities(), 0
    for side, server in servers.items():
        said = probabilities(server, pictures)
        if side == FACES:
            found = sum(each is not None for each in said)
        else:
            check_same(side, said, expected)
    return found


def _sizes(bundle: Path) -> dict[str, int]:
    """Bytes of the bundle and of the Bento beside it, if there is one."""
    sizes = {"bundle": sum(path.stat().st_size for path in bundle.iterdir())}
    bento = bundle.parent / "unmask.bento"
    return sizes | ({"Bento": bento.stat().st_size} if bento.is_file() else {})
