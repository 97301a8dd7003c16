"""The load, a process of its own: clients that each send the next request when the last is answered.

python -m benchmarks.serve.load --help

It speaks HTTP itself, on connections that stay open, with request bodies made before the clock starts: a client library
would take more time on these cores than some of the services it asks.
"""

import asyncio
import itertools
import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import typer
import uvloop

BOUNDARY = b"unmask-benchmark"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Measured:
    """What the clients saw within the counted time, and what the load itself took.

    LATENCIES_S are of the requests sent within it, however late their answers; ANSWERED counts answers within it.
    """

    latencies_s: list[float] = field(default_factory=list)
    answered: int = 0
    refused: Counter[int] = field(default_factory=Counter)  # HTTP status -> requests; 0 is a lost connection
    seconds: float = 0.0
    load_cores: float = 0.0  # processor seconds of the load for each second


@dataclass(frozen=True)
class Plan:
    """When to begin counting and to stop, by `time.perf_counter`; REQUESTS, unless 0, ends it earlier."""

    start: float
    end: float
    requests: int


def bodies(paths: Sequence[Path], *, port: int, pictures: int) -> list[bytes]:
    """Whole HTTP requests that ask about PICTURES files each, in turn."""
    files = [path.read_bytes() for path in paths]
    return [
        _request([files[(first + number) % len(files)] for number in range(pictures)], port)
        for first in range(0, len(files), pictures)
    ]


def _request(files: Sequence[bytes], port: int) -> bytes:
    named = b'--%b\r\nContent-Disposition: form-data; name="images"; filename="%d.jpg"\r\n'
    typed = b"Content-Type: image/jpeg\r\n\r\n%b\r\n"
    parts = [(named + typed) % (BOUNDARY, number, data) for number, data in enumerate(files)]
    body = b"".join(parts) + b"--%b--\r\n" % BOUNDARY
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: multipart/form-data; boundary=%b\r\n"
    return head % (port, BOUNDARY) + b"Content-Length: %d\r\n\r\n" % len(body) + body


async def run(port: int, requests: Sequence[bytes], *, clients: int, plan: Plan) -> Measured:
    """CLIENTS ask until the plan ends."""
    measured, turn = Measured(), itertools.cycle(requests)
    numbers = iter(range(plan.requests)) if plan.requests else itertools.count()
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(_client(port, turn, numbers, plan, measured) for _ in range(clients)))
    ended = time.perf_counter()
    measured.seconds = min(plan.end, ended) - plan.start
    measured.load_cores = (time.process_time() - cpu) / (ended - began)
    return measured


async def _client(port: int, turn: Iterator[bytes], numbers: Iterator[int], plan: Plan, measured: Measured) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in numbers:
        sent = time.perf_counter()
        if sent >= plan.end:
            break
        try:
            status = await ask(reader, writer, next(turn))
        except (ConnectionError, asyncio.IncompleteReadError):
            status = 0
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answered = time.perf_counter()
        if status != 200:
            measured.refused[status] += 1
            continue
        if sent >= plan.start:
            measured.latencies_s.append(answered - sent)
        measured.answered += plan.start <= answered <= plan.end
    writer.close()


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """Send a whole request, read the whole answer; returns its HTTP status."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = LENGTH.search(head)
    if length is None:
        raise ConnectionError("an answer without Content-Length")
    await reader.readexactly(int(length[1]))
    return int(head[9:12])


def main(
    *,
    port: Annotated[int, typer.Option(help="Where the service listens, on this machine.")],
    folder: Annotated[Path, typer.Option(help="JPEGs to ask about.")],
    clients: Annotated[int, typer.Option(min=1, help="Requests at a time.")] = 8,
    pictures: Annotated[int, typer.Option(min=1, help="Pictures of a request.")] = 1,
    seconds: Annotated[float, typer.Option(help="How long to count.")] = 4.0,
    warm: Annotated[float, typer.Option(help="Seconds before that are not counted.")] = 0.5,
    requests: Annotated[int, typer.Option(help="Stop after so many, in place of --seconds.")] = 0,
) -> None:
    """Print what was measured as JSON."""
    made = bodies(sorted(folder.glob("*.jpg")), port=port, pictures=pictures)
    now = time.perf_counter()
    plan = Plan(now, now + 1e9, requests) if requests else Plan(now + warm, now + warm + seconds, 0)
    print(json.dumps(asdict(uvloop.run(run(port, made, clients=clients, plan=plan)))))


if __name__ == "__main__":
    typer.run(main)
