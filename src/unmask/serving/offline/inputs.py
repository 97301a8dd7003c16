"""Which files are meant by what a person names: files, folders and patterns, found while the batch goes along."""

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from unmask.errors import DataError
from unmask.serving.offline.names import escaped


def check_named(words: Sequence[str]) -> None:
    """See that every word names something, before any work is done.

    Raises:
        DataError: one does not; the message names it.
    """
    for word in words:
        if not os.path.lexists(word) and next(glob.iglob(word, recursive=True), None) is None:  # noqa: PTH207
            raise DataError(f"{escaped(word)}: no such file or folder, and no pattern that matches one")


def named_files(words: Sequence[str], *, leave_out: Iterable[Path] = ()) -> Iterator[Path]:
    """Files in the order of the words, those of a folder in the order of their names, at any depth.

    Of a folder, names that begin with a dot are left out, and links to folders are not followed; a folder that can't
    be listed stands for itself, so that reading it says why. A pattern (*, ?, [], ** for any depth) names files only.
    What is to be left out is, however its folder is spelt.

    Held at a time are the names in the folders on the way to a file, and all names that a pattern matches.
    """
    places = {_place(path) for path in leave_out}
    names = {path.name for path in places}
    for word in words:
        if Path(word).is_dir():
            found = _below(Path(word))
        elif os.path.lexists(word):
            found = iter([Path(word)])
        else:
            # pathlib takes no absolute pattern.
            found = (Path(name) for name in sorted(glob.glob(word, recursive=True)) if Path(name).is_file())  # noqa: PTH207
        # Resolving costs some calls of the system, so the name is asked first.
        yield from (path for path in found if not (path.name in names and _place(path) in places))


def _place(path: Path) -> Path:
    """A path with its folder as it is on disk; the file itself may be a link, which is replaced and not followed."""
    return path.parent.resolve() / path.name


def _below(folder: Path) -> Iterator[Path]:
    waiting = [(folder, True)]
    while waiting:
        path, is_folder = waiting.pop()
        try:
            entries = sorted(os.scandir(path), key=lambda entry: entry.name) if is_folder else []
        except OSError:
            is_folder = False
        if not is_folder:
            yield path
            continue
        waiting += [
            (Path(entry.path), entry.is_dir(follow_symlinks=False))
            for entry in reversed(entries)
            if not entry.name.startswith(".") and (entry.is_dir(follow_symlinks=False) or entry.is_file())
        ]
