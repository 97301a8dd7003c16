"""Assemble: speed against the floor, cost of faces, growth of memory, cost of adding one per cent."""

import importlib.util
import sys
from pathlib import Path

from benchmarks.data.pictures import assemble_command, take_in, write_source
from benchmarks.data.run import Cost, alternate, middle, run
from benchmarks.data.table import Row

# What so few pictures cost is start-up: imports, processes, tables. They are enough to need a pool of two.
_TWO_CHUNKS = 17


def speed(folder: Path, *, count: int, repeats: int) -> list[Row]:
    """Pictures a second on two cores, without faces, against the floor; start-up taken off on both sides."""
    what = _prepare(folder / "whole", count)
    _prepare(folder / "tiny", _TWO_CHUNKS)
    costs = alternate(
        {
            "ours": _fresh(folder / "whole"),
            "floor": _floor(folder / "whole"),
            "ours tiny": _fresh(folder / "tiny"),
            "floor tiny": _floor(folder / "tiny"),
        },
        repeats,
    )
    done = count - _TWO_CHUNKS
    ours, floor = (done / _beyond(costs[name], costs[f"{name} tiny"]) for name in ("ours", "floor"))
    spent = {name: costs[name].cpu_seconds - costs[f"{name} tiny"].cpu_seconds for name in ("ours", "floor")}
    note = (
        f"{count:,} {what}; start-up {costs['ours tiny'].seconds:.1f} s taken off; by processor time "
        f"{spent['floor'] / spent['ours']:.2f}"
    )
    return [Row("assemble / bare decode, hash, encode", f"{ours:.0f} /s", f"{floor:.0f} /s", ours / floor, "0.8", note)]


def faces(folder: Path, *, count: int, repeats: int) -> list[Row]:
    """Pictures a second with faces found in each, against without."""
    if importlib.util.find_spec("mediapipe") is None:
        return [Row("assemble with faces / without", "", "", None, "", "the extra `faces` is not installed")]
    what = _prepare(folder / "whole", count)
    _prepare(folder / "tiny", _TWO_CHUNKS)
    sides = {
        f"{kind}{size}": _fresh(folder / (size or "whole"), kind)
        for kind in ("mediapipe", "none")
        for size in ("", "tiny")
    }
    costs = alternate(sides, repeats)
    found, plain = (
        (count - _TWO_CHUNKS) / _beyond(costs[kind], costs[f"{kind}tiny"]) for kind in ("mediapipe", "none")
    )
    return [Row("assemble with faces / without", f"{found:.0f} /s", f"{plain:.0f} /s", found / plain, "", what)]


def memory(folder: Path, *, count: int) -> list[Row]:
    """Peak memory at COUNT and four times COUNT pictures, children included."""
    peaks = []
    for size in (count, 4 * count):
        what = _prepare(folder / str(size), size, side=96, real=False)
        command, where = _fresh(folder / str(size))
        peaks.append(run(command, where, memory=True).peak_mb)
    less, more = peaks
    name = f"assemble's peak memory, {4 * count:,} / {count:,} pictures"
    return [Row(name, f"{more:.0f} MB", f"{less:.0f} MB", more / less, "flat", what)]


def growth(folder: Path, *, count: int, repeats: int) -> list[Row]:
    """Assemble after one per cent was added, start-up taken off, against assembling all of it."""
    _prepare(folder / "tiny", _TWO_CHUNKS)
    costs: dict[str, list[Cost]] = {name: [] for name in ("all", "start", "same", "more")}
    for repeat in range(repeats):
        place = folder / str(repeat)
        what = _prepare(place, count)
        costs["all"].append(run(*_kept(place)))
        costs["start"].append(run(*_fresh(folder / "tiny")))
        costs["same"].append(run(*_kept(place)))
        write_source(place / "more/bench", count // 100, side=224, first=count)
        take_in(place, place / "more", "two")
        costs["more"].append(run(*_kept(place)))
    whole, start, same, more = (middle(several) for several in costs.values())
    ratio = (more.cpu_seconds - start.cpu_seconds) / (whole.cpu_seconds - start.cpu_seconds)
    note = (
        f"{count:,} {what}; processor time, start-up of {start.cpu_seconds:.1f} s taken off both; in all "
        f"{more.seconds:.1f} s against {whole.seconds:.1f} s, with nothing added {same.seconds:.1f} s"
    )
    figures = (f"{cost.cpu_seconds:.1f} s" for cost in (more, whole))
    return [Row("assemble 1 % more / all", *figures, ratio, "under 0.03", note)]


def _prepare(folder: Path, count: int, *, side: int = 224, real: bool = True) -> str:
    what = write_source(folder / "in/bench", count, side=side, real=real)
    take_in(folder, folder / "in", "one")
    return what


def _kept(folder: Path, detector: str = "none") -> tuple[list[str], Path]:
    return assemble_command(detector), folder


def _fresh(folder: Path, detector: str = "none") -> tuple[list[str], Path]:
    command, where = _kept(folder, detector)
    return ["sh", "-c", 'rm -rf build/dataset; exec "$@"', "sh", *command], where


def _floor(folder: Path) -> tuple[list[str], Path]:
    shards = sorted(str(path) for path in (folder / "data/one").glob("*.zip"))
    return [sys.executable, "-m", "benchmarks.data.floor", *shards], Path.cwd()


def _beyond(cost: Cost, start: Cost) -> float:
    return max(cost.seconds - start.seconds, 1e-3)
