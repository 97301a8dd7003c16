"""Many requests in a row: does memory stay flat?"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.serve.measure import Level, load
from benchmarks.serve.server import Server
from unmask.console import say
from unmask.errors import UnmaskError

TENTHS = 10
LEVEL = Level(32, 1)


@dataclass(frozen=True)
class Soak:
    """Requests sent so far, and the bytes that all processes of the service held then; the first entry is of none."""

    requests: list[int]
    memory: list[int]

    def slope(self) -> float:
        """Bytes a request by least squares, from the first tenth on: until then buffers and pools are still filled."""
        return float(np.polyfit(self.requests[1:], self.memory[1:], 1)[0])

    def __str__(self) -> str:
        held = ", ".join(f"{each / 1e6:.0f}" for each in self.memory)
        return (
            f"{self.requests[-1]:,} requests; MB held before, and after each tenth: {held}; "
            f"{self.slope():.0f} bytes a request from the first tenth on"
        )


def soak(server: Server, folder: Path, *, requests: int) -> Soak:
    """Send REQUESTS, a tenth at a time.

    Raises:
        UnmaskError: one was not answered with 200.
    """
    counts, memory = [0], [server.memory()]
    for _ in range(TENTHS):
        measured = load(server, folder, LEVEL, requests=-(-requests // TENTHS))
        if measured.refused:
            raise UnmaskError(f"requests were refused: {dict(measured.refused)}")
        counts.append(counts[-1] + len(measured.latencies_s))
        memory.append(server.memory())
        say(f"{counts[-1]:,} requests, {memory[-1] / 1e6:.0f} MB, {measured.answered / measured.seconds:.0f} /s")
    return Soak(counts, memory)
