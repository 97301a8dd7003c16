"""Shards: stored (never compressed) zip files with fixed time stamps, read by key `<shard>.zip/<member>`."""

import os
import zipfile
from collections import OrderedDict
from pathlib import Path, PurePosixPath
from threading import Lock
from types import TracebackType
from typing import Any, Self

from unmask.errors import DataError
from unmask.files import replacing

SHARD_BYTES = 32_000_000
_MAX_MEMBER_BYTES = 512_000_000
_OPEN_SHARDS = 64
_EPOCH = (1980, 1, 1, 0, 0, 0)
_REMEDY = "restore it with `dvc checkout` or make it again"


class ShardReader:
    """Read members by key from shards below ROOT; opened shards are kept per process.

    Threads may share a reader. It may be pickled and may cross a fork: each process opens its own handles.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._handles: OrderedDict[str, zipfile.ZipFile] = OrderedDict()
        self._lock = Lock()
        self._process = os.getpid()

    def read(self, key: str) -> bytes:
        """Read one member.

        Raises:
            DataError: the key leaves the root, or its shard is missing, damaged or without that member.
        """
        shard, _, member = key.rpartition("/")
        check_inside(shard)
        handle = self._open(shard)
        try:
            info = handle.getinfo(member)
            if info.compress_type != zipfile.ZIP_STORED or info.file_size > _MAX_MEMBER_BYTES:
                raise DataError(f"{self.root / shard}: {member} is compressed or too large")
            return handle.read(info)
        except KeyError:
            raise DataError(f"{self.root / shard}: holds no {member}; {_REMEDY}") from None
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
            raise DataError(f"{self.root / shard}: damaged shard ({error}); {_REMEDY}") from error

    def close(self) -> None:
        """Close the handles this process has open."""
        if self._process == os.getpid():
            for handle in self._handles.values():
                handle.close()
        self._handles.clear()

    def _open(self, shard: str) -> zipfile.ZipFile:
        if self._process != os.getpid():
            # A handle inherited by fork shares its file position with the parent, and the lock may be held for ever.
            self._handles, self._lock, self._process = OrderedDict(), Lock(), os.getpid()
        with self._lock:
            handle = self._handles.get(shard)
            if handle is None:
                handle = self._handles[shard] = open_shard(self.root / shard)
            self._handles.move_to_end(shard)
            if len(self._handles) > _OPEN_SHARDS:
                # Not closed here: another thread may be about to read it, and the last to let go closes it.
                self._handles.popitem(last=False)
        return handle

    def __getstate__(self) -> dict[str, Any]:
        return {"root": self.root}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["root"])  # type: ignore[misc]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ShardWriter:
    """Context manager that writes one shard under a temporary name and renames it on success.

    The same members in the same order give the same bytes.
    """

    def __init__(self, path: Path) -> None:
        self._replacing = replacing(Path(path))
        self._names: set[str] = set()

    def __enter__(self) -> Self:
        self._zip = zipfile.ZipFile(self._replacing.__enter__(), "w", zipfile.ZIP_STORED)
        return self

    def __contains__(self, member: str) -> bool:
        return member in self._names

    def write(self, member: str, data: bytes) -> None:
        """Add a member.

        Raises:
            ValueError: the name is there already, or is not a plain file name.
        """
        if member in self._names or PurePosixPath(member).name != member:
            raise ValueError(f"{member!r}: twice in one shard, or not a plain name")
        info = zipfile.ZipInfo(member, _EPOCH)
        info.create_system, info.external_attr = 3, 0o644 << 16
        self._zip.writestr(info, data)
        self._names.add(member)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._zip.close()
        except BaseException as broken:
            # A full disk shows at the latest here; the temporary file must go all the same.
            self._replacing.__exit__(type(broken), broken, broken.__traceback__)
            raise
        self._replacing.__exit__(kind, error, trace)


def open_shard(path: Path) -> zipfile.ZipFile:
    """Open a shard for reading.

    Raises:
        DataError: it is missing or not a zip file.
    """
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError:
        raise DataError(f"{path}: missing shard; {_REMEDY}") from None
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"{path}: damaged shard ({error}); {_REMEDY}") from error


def check_inside(shard: str) -> None:
    """Refuse a shard's name that leads out of its root.

    Raises:
        DataError: the name is empty, absolute or climbs.
    """
    parts = PurePosixPath(shard).parts
    if not parts or ".." in parts or PurePosixPath(shard).is_absolute() or "\\" in shard or "\0" in shard:
        raise DataError(f"{shard!r}: not the name of a shard below the data folder")
