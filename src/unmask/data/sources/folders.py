"""Pictures in folders: `<source>/<real|fake|unlabelled>/<generator>/<any depth>/<file>`."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from unmask.data.manifest import LABELS
from unmask.errors import DataError

SIDECARS = ("pairs.csv", "attributes.csv", "landmarks.parquet")
MASKS = "masks"
CAMERA = "camera"
LAYOUT = "<source>/<real|fake|unlabelled>/<generator>/..."


@dataclass(frozen=True)
class Source:
    """A source: its name and its folder, which holds real/, fake/, unlabelled/ and the sidecars."""

    name: str
    folder: Path


@dataclass(frozen=True)
class Found:
    """A file that has a place in the layout; `path` is relative to its source's folder, with slashes."""

    source: Source
    path: str
    label: str
    generator: str

    @property
    def file(self) -> Path:
        """Where the file is."""
        return self.source.folder / self.path


@dataclass(frozen=True)
class Refused:
    """A file that can't be used, and why."""

    source: str
    path: str
    reason: str


def find_sources(root: Path, name: str | None) -> tuple[list[Source], list[Refused]]:
    """List the sources below ROOT, or ROOT itself as the source NAME; what lies beside them is refused.

    Raises:
        DataError: ROOT is no folder, holds no source, or is itself a source and has no name.
    """
    if not root.is_dir():
        raise DataError(f"{root}: not a folder; ingest takes a folder laid out as {LAYOUT}")
    if name is not None:
        return [Source(name, root)], []
    children = [child for child in sorted(root.iterdir()) if not child.name.startswith(".")]
    if any(child.name in LABELS for child in children):
        raise DataError(f"{root}: is one source ({', '.join(LABELS)} lie directly in it); name it with --source NAME")
    sources = [Source(child.name, child) for child in children if child.is_dir() and not child.is_symlink()]
    refused = [Refused("", printable(child.name), _beside(child)) for child in children if _beside(child)]
    if not sources:
        raise DataError(f"{root}: holds no source folder; ingest takes a folder laid out as {LAYOUT}")
    return sources, refused


def find_pictures(source: Source) -> Iterator[Found | Refused]:
    """Walk one source in a fixed order; links to folders are never followed, hidden files never looked at."""
    top = source.folder
    flat = not any((top / label).is_dir() for label in LABELS)
    inside = top.resolve()
    for folder, names, files in os.walk(top, followlinks=False):
        here = Path(folder)
        linked = [name for name in names if (here / name).is_symlink()]
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in linked)
        if here == top and MASKS in names:
            names.remove(MASKS)
        for name in sorted([*files, *linked]):
            path = (here / name).relative_to(top).as_posix()
            if not name.startswith(".") and path not in SIDECARS:
                yield _place(source, path, inside, flat=flat)


def printable(name: str) -> str:
    """A file name as text that Parquet can hold; bytes that are not UTF-8 are escaped."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _beside(child: Path) -> str:
    if child.is_dir() and child.is_symlink():
        return "symbolic link to a folder"
    return "" if child.is_dir() else f"not inside a source folder ({LAYOUT})"


def _place(source: Source, path: str, inside: Path, *, flat: bool) -> Found | Refused:
    reason = _unreadable(source.folder / path, inside)
    parts = PurePosixPath(path).parts
    label, depth = parts[0], len(parts) - 1
    if not reason and printable(path) != path:
        reason = "file name is not UTF-8"
    if not reason and flat and depth == 0:
        return Found(source, path, "unlabelled", "")
    if not reason and label not in LABELS:
        reason = f"not below one of {', '.join(f'{name}/' for name in LABELS)}"
    if not reason and depth == 0:
        reason = "a file where a label's folder should be"
    if not reason and label == "fake" and depth == 1:
        reason = "fake/ needs a folder for each generator"
    if reason:
        return Refused(source.name, printable(path), reason)
    return Found(source, path, label, _generator(label, parts))


def _generator(label: str, parts: tuple[str, ...]) -> str:
    if label == "unlabelled":
        return ""
    return parts[1] if len(parts) > 2 else CAMERA


def _unreadable(file: Path, inside: Path) -> str:
    if file.is_symlink():
        if not file.resolve().is_relative_to(inside):
            return "symbolic link leaves the source's folder"
        if file.is_dir():
            return "symbolic link to a folder"
    if not file.exists():
        return "symbolic link to nothing"
    return "" if file.is_file() else "not a regular file"
