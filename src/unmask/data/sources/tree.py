"""One listing of everything below a root, on a disk or behind a URL, made once and safe to read from."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from unmask.errors import DataError

LEAVES = "symbolic link leaves the source's folder"
LISTS = (".csv", ".json", ".parquet")
_LOCAL = ("file", "local")


@dataclass(frozen=True)
class Tree:
    """The readable regular files below a root: relative paths with slashes, sorted; what can't be read, and why.

    `links` gives the relative path that a symbolic link inside the root leads to; `chosen` is the list's path where
    the root was given as a list. Hidden files are never looked at, links to folders never followed.
    """

    root: str
    name: str
    paths: tuple[str, ...]
    opener: Callable[[str], BinaryIO]
    refused: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    chosen: str = ""

    @cached_property
    def members(self) -> frozenset[str]:
        """The paths, to ask whether one is there."""
        return frozenset(self.paths)

    @property
    def top(self) -> list[str]:
        """Names right below the root, folders with a slash at the end."""
        return sorted({first + slash for first, slash, _ in (path.partition("/") for path in self.paths)})

    def at(self, path: str) -> str:
        """A path as a message names it."""
        return f"{self.root.rstrip('/')}/{path}"

    def open(self, path: str) -> BinaryIO:
        """Open a file of the listing.

        Raises:
            DataError: it can't be opened; the message is a short reason without a file name.
        """
        try:
            return self.opener(path)
        except OSError as error:
            raise _unreadable(error) from error

    def head(self, path: str, size: int) -> bytes:
        """The first SIZE bytes of a file.

        Raises:
            DataError: as open.
        """
        try:
            with self.open(path) as stream:
                return stream.read(size)
        except OSError as error:
            raise _unreadable(error) from error

    def read(self, path: str, *, max_megabytes: float | Callable[[bytes], float]) -> bytes:
        """Read a file that is not larger than the cap, which may depend on its first 64 bytes.

        Raises:
            DataError: it is empty, larger or can't be read; the message is a short reason without a file name.
        """
        try:
            with self.open(path) as stream:
                head = stream.read(64)
                cap = max_megabytes(head) if callable(max_megabytes) else max_megabytes
                limit = int(cap * 1e6)
                data = head + stream.read(max(0, limit + 1 - len(head)))
        except OSError as error:
            raise _unreadable(error) from error
        if not data:
            raise DataError("empty file")
        if len(data) > limit:
            raise DataError(f"larger than {cap:g} MB")
        return data


def open_tree(where: Path | str) -> Tree:
    """List a folder, the folder of a list (CSV, JSON, Parquet), or the same behind a URL such as s3://bucket/prefix.

    Raises:
        DataError: there is no such folder, or its file system needs a package that is not installed.
    """
    protocol, separator, rest = str(where).partition("://")
    if not separator:
        return _local_tree(Path(where))
    return _local_tree(Path(rest)) if protocol in _LOCAL else _remote_tree(str(where))


def printable(name: str) -> str:
    """A file name as text that Parquet can hold; bytes that are not UTF-8 are escaped."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _local_tree(path: Path) -> Tree:
    chosen = path.name if path.suffix.lower() in LISTS and path.is_file() else ""
    folder = path.parent if chosen else path
    if not folder.is_dir():
        raise DataError(f"{path}: not a folder")
    paths: list[str] = []
    refused: dict[str, str] = {}
    links: dict[str, str] = {}
    for name, unusable, target in _walk(folder, folder.resolve()):
        reason = unusable or ("" if printable(name) == name else "file name is not UTF-8")
        if reason:
            refused[printable(name)] = reason
            continue
        paths.append(name)
        if target:
            links[name] = target
    opener = partial(_open_local, folder)
    return Tree(str(folder), folder.resolve().name, tuple(sorted(paths)), opener, refused, links, chosen)


def _open_local(folder: Path, name: str) -> BinaryIO:
    return (folder / name).open("rb")


def _walk(top: Path, inside: Path) -> Iterator[tuple[str, str, str]]:
    """Each file's relative path, why it can't be read or "", and where it leads to if it is a link."""
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            entries = list(os.scandir(top / prefix))
        except OSError as error:
            yield prefix.rstrip("/"), str(_unreadable(error)), ""
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(f"{prefix}{entry.name}/")
            elif entry.is_symlink():
                yield (prefix + entry.name, *_look_behind(Path(entry.path), inside))
            else:
                yield prefix + entry.name, "" if entry.is_file() else "not a regular file", ""


def _look_behind(link: Path, inside: Path) -> tuple[str, str]:
    try:
        target = link.resolve()
    except (OSError, RuntimeError):
        return "symbolic link to nothing", ""
    if not target.is_relative_to(inside):
        return LEAVES, ""
    if target.is_dir():
        return "symbolic link to a folder", ""
    if not target.exists():
        return "symbolic link to nothing", ""
    return ("" if target.is_file() else "not a regular file"), target.relative_to(inside).as_posix()


def _remote_tree(url: str) -> Tree:
    import fsspec

    try:
        files, root = fsspec.core.url_to_fs(url)
        chosen = PurePosixPath(root).name if url.lower().endswith(LISTS) and files.isfile(root) else ""
        root = files._parent(root) if chosen else root
        listing = files.find(root, detail=True)
    except Exception as error:
        # A cloud's client raises errors of its own.
        raise DataError(f"{url}: can't be listed ({str(error).strip() or type(error).__name__})") from error
    if not listing:
        raise DataError(f"{url}: not a folder, or an empty one")
    top = root.rstrip("/")
    paths: list[str] = []
    refused: dict[str, str] = {}
    for full, facts in listing.items():
        name = full[len(top) :].lstrip("/")
        if any(part.startswith(".") and part not in {".", ".."} for part in name.split("/")):
            continue
        reason = _odd_key(name) or ("" if facts.get("type") == "file" else "not a regular file")
        if reason:
            refused[printable(name)] = reason
        else:
            paths.append(name)
    where = url.rpartition("/")[0] if chosen else url
    opener = partial(_open_remote, files, top)
    return Tree(where, PurePosixPath(top).name, tuple(sorted(paths)), opener, refused, {}, chosen)


def _open_remote(files: Any, top: str, name: str) -> BinaryIO:
    try:
        return cast("BinaryIO", files.open(f"{top}/{name}", "rb"))
    except OSError:
        raise
    except Exception as error:
        raise OSError(None, str(error).strip() or type(error).__name__) from error


def _odd_key(name: str) -> str:
    # An object store takes any text as a key.
    if any(part in {"", ".", ".."} for part in name.split("/")) or "\\" in name or "\0" in name:
        return "not a plain path"
    return "" if printable(name) == name else "file name is not UTF-8"


def _unreadable(error: OSError) -> DataError:
    return DataError(f"can't be read: {error.strerror or str(error) or type(error).__name__}")
