"""DVC add, push and pull: pictures as shards against the same pictures as loose files."""

import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.data.pictures import take_in, write_source
from benchmarks.data.table import Row

_STEPS = ("add", "push", "pull")


def dvc(folder: Path, *, count: int) -> list[Row]:
    """Seconds of each step for COUNT pictures, loose against shards."""
    what = write_source(folder / "in/bench", count, side=96, real=False)
    take_in(folder, folder / "in", "one")
    taken = {
        name: _steps(folder / f"{name}-repo", folder / tree) for name, tree in (("shards", "data"), ("loose", "in"))
    }
    return [
        Row(
            f"dvc {step}: loose files / shards",
            f"{taken['shards'][step]:.1f} s",
            f"{taken['loose'][step]:.1f} s",
            taken["loose"][step] / taken["shards"][step],
            "",
            f"{count:,} {what}; a folder as remote; DVC's own start is in both",
        )
        for step in _STEPS
    ]


def _steps(repository: Path, tree: Path) -> dict[str, float]:
    repository.mkdir()
    _call(repository, "git", "init", "--quiet")
    _call(repository, "dvc", "init", "--quiet")
    _call(
        repository, "dvc", "remote", "add", "--default", "store", str(repository.parent / f"{repository.name}-remote")
    )
    shutil.copytree(tree, repository / "data")
    taken = {
        "add": _call(repository, "dvc", "add", "--quiet", "data"),
        "push": _call(repository, "dvc", "push", "--quiet"),
    }
    shutil.rmtree(repository / "data")
    shutil.rmtree(repository / ".dvc/cache")
    # What DVC remembers of files and remotes would answer for the files.
    shutil.rmtree(repository / ".dvc/tmp")
    taken["pull"] = _call(repository, "dvc", "pull", "--quiet")
    return taken


def _call(folder: Path, *command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start
