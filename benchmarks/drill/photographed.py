"""The drill on real pictures: a part of each source's files trains, the rest is traffic or measures."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from benchmarks.drill.pictures import Material, Picture, divide
from unmask.data.ingest import ingest
from unmask.data.splits import uniform
from unmask.errors import DataError

NEWCOMER = "stylegan2"
NOTE = (
    f"The files of `{NEWCOMER}` differ from the photographs in size and JPEG quality, so that the alarm may be of the "
    "file format and not of the forgery."
)
UNTRAINED, HELD_OUT, HELD_OUT_NEW = 0.3, 0.5, 0.4  # shares of groups; the later two of what does not train
LABELS: tuple[Literal["real", "fake"], ...] = ("real", "fake")


@dataclass(frozen=True)
class File:
    """A file of a source folder; GROUP is the original's name where it is of a pair."""

    path: Path
    source: str
    label: Literal["real", "fake"]
    generator: str
    group: str

    def picture(self) -> Picture:
        """It with its bytes; a generator of two sources is two, but the newcomer is one: it is new in each."""
        folder = f"{self.source}/{self.generator}"
        name = NEWCOMER if self.generator == NEWCOMER else folder
        return Picture(f"{folder}/{self.path.name}", self.path.read_bytes(), self.label, name, self.group)


def list_files(faces: Path, *, most: int, seed: int) -> list[File]:
    """Files below FACES (<source>/<real|fake>/<generator>/), about MOST of each generator, pairs kept whole.

    Raises:
        DataError: there is no such folder, or nothing of the newcomer in it.
    """
    files = [file for folder in sorted(faces.glob("*/*/*")) for file in _chosen(folder, most=most, seed=seed)]
    if not any(file.generator == NEWCOMER for file in files):
        raise DataError(f"{faces}: holds no <source>/fake/{NEWCOMER}, the newcomer of the drill on real pictures")
    return files


def photographed_material(files: list[File], *, seed: int) -> tuple[list[File], Material]:
    """The files to train on, and the drill's pictures.

    Raises:
        DataError: of the newcomer or of photographs there are too few for traffic and measuring both.
    """
    old = [file for file in files if file.generator != NEWCOMER]
    training = [file for file in old if not _kept(file, seed)]
    usual, held_out = divide((file.picture() for file in old if _kept(file, seed)), HELD_OUT, seed=seed)
    new, new_held_out = divide(
        (file.picture() for file in files if file.generator == NEWCOMER), HELD_OUT_NEW, seed=seed
    )
    for what, pictures in {
        f"{NEWCOMER} in the traffic": new,
        f"{NEWCOMER} held out": new_held_out,
        "photographs in the traffic": [one for one in usual if one.label == "real"],
        "photographs held out": [one for one in held_out if one.label == "real"],
    }.items():
        if not pictures:
            raise DataError(f"no {what}: too few files were chosen; raise --most, or take in more pictures")
    return training, Material(NEWCOMER, usual, new, [*held_out, *new_held_out], NOTE)


def take_in(files: list[File], faces: Path, data: Path, scratch: Path) -> str:
    """Make DATA of nothing but FILES, by the project's own ingest; returns its summary.

    Raises:
        DataError: a picture or a table beside them can't be read.
    """
    source = scratch / "training"
    for file in files:
        target = source / file.path.relative_to(faces)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, target)
    names = {(file.source, file.path.name) for file in files}
    for table in sorted(faces.glob("*/*.csv")):
        rows = pd.read_csv(table, dtype=str, keep_default_na=False)
        columns = [column for column in ("real", "fake", "file") if column in rows]
        there = [
            all((table.parent.name, Path(row[column]).name) in names for column in columns)
            for _, row in rows.iterrows()
        ]
        if any(there):
            rows[there].to_csv(source / table.relative_to(faces), index=False)
    shutil.rmtree(data, ignore_errors=True)
    return ingest(source, data, today="2026-01-01", layout="folders")


def _kept(file: File, seed: int) -> bool:
    return uniform(seed, "untrained", file.group) < UNTRAINED


def _chosen(folder: Path, *, most: int, seed: int) -> Iterator[File]:
    source, label, generator = folder.parts[-3:]
    originals = _originals(folder.parents[1] / "pairs.csv")
    alone = "" if label == "real" else f"{generator}/"  # a fake without a pair belongs to no photograph of its name
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    for kind in LABELS:
        for path in paths if kind == label else ():
            group = f"{source}/{originals.get(path.name, alone + path.name)}"
            if uniform(seed, "chosen", group) * len(paths) < most:
                yield File(path, source, kind, generator, group)


def _originals(pairs: Path) -> dict[str, str]:
    if not pairs.is_file():
        return {}
    rows = pd.read_csv(pairs, dtype=str)
    return {Path(fake).name: Path(real).name for real, fake in zip(rows["real"], rows["fake"], strict=True)}
