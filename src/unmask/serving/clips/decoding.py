"""The process that decodes one clip: `python -m unmask.serving.clips.decoding TASK`, the clip on standard input.

A clip is the most dangerous thing that a stranger can send: its decoders are large and written in C. So it is decoded
where it can neither keep memory or processor for long, nor write a file, nor is handed what the service holds; and what
it answers is bytes of pictures, never pickle. On standard output: a line of JSON about the clip, then for each frame a
line of JSON and width * height * 3 bytes of RGB; or a line that says why there is none.
"""

import dataclasses
import json
import os
import resource
import sys
from dataclasses import dataclass

from unmask.data.clips import probe, read_frames
from unmask.errors import ConfigError, DataError, ResourceError
from unmask.strict import read_dataclass

NICENESS = 10  # pictures are answered while clips are decoded


@dataclass(frozen=True)
class Task:
    """Frames to take, evenly over the clip, and what they may cost."""

    frames: int
    max_megapixels: float
    max_duration_s: float
    memory_megabytes: int
    processor_s: int


@dataclass(frozen=True)
class ClipHead:
    """First line of the answer."""

    duration_s: float


@dataclass(frozen=True)
class FrameHead:
    """What stands before a frame's pixels: s after the first frame, px."""

    time_s: float
    width: int
    height: int


@dataclass(frozen=True)
class Failure:
    """Why there are no frames, and the HTTP status that fits."""

    error: str
    status: int


def main(task: Task) -> None:
    """Decode the clip on standard input to standard output; a reason not to is part of the output."""
    confine(task)
    try:
        _write_frames(sys.stdin.buffer.read(), task)
    except ConfigError as error:
        _write(Failure(str(error), 501))
    except (ResourceError, MemoryError):
        _write(Failure("the clip takes more memory to decode than a clip may; send a smaller one", 413))
    except DataError as error:
        _write(Failure(str(error), 400))


def confine(task: Task) -> None:
    """Give up for good what decoding does not need: memory, processor time, files that are written, its turn."""
    os.nice(NICENESS)
    for what, most in (
        (resource.RLIMIT_AS, task.memory_megabytes * 10**6),
        (resource.RLIMIT_CPU, task.processor_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (limit, limit))


def _write_frames(data: bytes, task: Task) -> None:
    facts = probe(data, max_megapixels=task.max_megapixels)
    if facts.duration_s > task.max_duration_s:
        _write(Failure(f"longer than {task.max_duration_s:g} s ({facts.duration_s:.1f} s); cut it", 413))
        return
    frames = read_frames(data, task.frames, max_megapixels=task.max_megapixels)
    _write(ClipHead(facts.duration_s))
    for frame in frames:
        _write(FrameHead(frame.time_s, frame.image.width, frame.image.height))
        sys.stdout.buffer.write(frame.image.tobytes())
    sys.stdout.buffer.flush()


def _write(said: ClipHead | FrameHead | Failure) -> None:
    sys.stdout.buffer.write(json.dumps(dataclasses.asdict(said)).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(read_dataclass(Task, json.loads(sys.argv[1])))
