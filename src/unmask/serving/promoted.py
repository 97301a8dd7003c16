"""Which model is promoted: a pointer in the state folder, the bundles it may name, and the log of what was decided.

    STATE/promoted.json      the pointer; `before` is a stack of the versions promoted earlier, the latest last
    STATE/bundles/VERSION    the bundles that the pointer or a rollback can name; it names nothing outside them
    STATE/promotions.jsonl   what was decided when and why, for people; nothing reads it

A promotion pushes the version it replaces, a rollback pops: a second rollback goes one promotion further back, and
what was rolled back is served again only if it is promoted again. To promote what is promoted writes the pointer anew,
so that a worker that refused it for a passing reason, such as a lack of memory, looks again. A promotion removes the
bundles that no rollback reaches any more.
"""

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from unmask.errors import DataError
from unmask.files import replacing
from unmask.serving.bundle import DESCRIPTION, load_bundle
from unmask.serving.runtime import Runtime
from unmask.strict import read_dataclass

POINTER, HISTORY, LOCK, BUNDLES = "promoted.json", "promotions.jsonl", ".promoting.lock", "bundles"
MAX_POINTER_BYTES = 64 * 1024
MAX_REASON = 500  # characters
DEPTH = 100  # versions that a rollback can reach
_VERSION = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Pointer:
    """The promoted version, its folder relative to the state folder, since when (ISO 8601, UTC) and why."""

    version: str
    bundle: str
    time: str
    reason: str
    before: list[str]


def promote(bundle: Path, state: Path, reason: str) -> Pointer:
    """Copy BUNDLE into STATE and make it the one that services take, also those that have refused it before.

    Raises:
        DataError: the bundle is damaged or does not score as packaged, the pointer in place is damaged, or another
            promotion is running.
    """
    with _alone(state):
        old = read_pointer(state)
        runtime = Runtime(bundle, threads=1)
        _keep(runtime, state)
        version, before = runtime.bundle.version, old.before if old else []
        if old and old.version != version:
            before = [*before, old.version]
        pointer = _point(state, version, reason=reason, before=before, action="promote")
        _forget_all_but({pointer.version, *pointer.before}, state)
        return pointer


def rollback(state: Path) -> Pointer:
    """Make the version that was promoted before the one that services take.

    Raises:
        DataError: there is none, its bundle is damaged, or another promotion is running.
    """
    with _alone(state):
        old = read_pointer(state)
        if old is None:
            raise DataError(f"{state / POINTER}: nothing is promoted; run `unmask promote`")
        if not old.before:
            raise DataError(f"{state / POINTER}: nothing was promoted before {old.version}; promote another bundle")
        version = old.before[-1]
        load_promoted(version, state)
        reason = f"rollback from {old.version}"
        return _point(state, version, reason=reason, before=old.before[:-1], action="rollback")


def read_pointer(state: Path) -> Pointer | None:
    """What is promoted in STATE; None where nothing is.

    Raises:
        DataError: the pointer is damaged, or names a folder that is not one of the bundles in STATE.
    """
    path = state / POINTER
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_POINTER_BYTES + 1)
        if len(text) > MAX_POINTER_BYTES:
            raise ValueError(f"larger than {MAX_POINTER_BYTES} bytes")
        pointer = read_dataclass(Pointer, json.loads(text))
        for version in (pointer.version, *pointer.before):
            if not _VERSION.fullmatch(version):
                raise ValueError("a version is 12 hex digits")
        if pointer.bundle != f"{BUNDLES}/{pointer.version}":
            raise ValueError(f"bundle: must be {BUNDLES}/{pointer.version}")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        what = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(f"{path}: not a pointer ({what}); remove it and promote again") from None
    return pointer


def bundle_of(version: str, state: Path) -> Path:
    """The folder of a promoted version.

    Raises:
        DataError: a link leads out of STATE.
    """
    folder = state / BUNDLES / version
    if not folder.resolve().is_relative_to(state.resolve()):
        raise DataError(f"{folder}: a link that leads out of {state}; remove it and promote again")
    return folder


def load_promoted(version: str, state: Path, *, threads: int = 1) -> Runtime:
    """A version that was promoted, loaded and checked; THREADS of one inference.

    Raises:
        DataError: the bundle is missing, damaged, another version, or does not score as packaged.
    """
    runtime = Runtime(bundle_of(version, state), threads=threads)
    if runtime.bundle.version != version:
        raise DataError(f"{runtime.folder}: holds version {runtime.bundle.version}; promote {version} again")
    return runtime


def _keep(runtime: Runtime, state: Path) -> None:
    """Put the bundle into STATE, unless it is there, whole and the same."""
    bundle, target = runtime.bundle, bundle_of(runtime.bundle.version, state)
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(".*.tmp"):  # of a promotion that was killed
        shutil.rmtree(left, ignore_errors=True)
    try:
        if load_bundle(target) == bundle:
            return
    except DataError:
        pass  # not there or damaged: what was checked takes its place
    with replacing(target) as fresh:
        fresh.mkdir()
        for name in (*bundle.files, DESCRIPTION):
            shutil.copyfile(runtime.folder / name, fresh / name)
            _flush(fresh / name)
        if load_bundle(fresh) != bundle:
            raise DataError(f"{runtime.folder}: changed while it was promoted; promote it again")
        if target.exists():
            shutil.rmtree(target)
    _flush(target.parent)


def _forget_all_but(versions: set[str], state: Path) -> None:
    """Remove the other bundles; what can't be removed, or is no version, stays and does no harm."""
    for folder in (state / BUNDLES).glob("*"):
        if _VERSION.fullmatch(folder.name) and folder.name not in versions:
            shutil.rmtree(folder, ignore_errors=True)


def _point(state: Path, version: str, *, reason: str, before: list[str], action: str) -> Pointer:
    pointer = Pointer(
        version=version,
        bundle=f"{BUNDLES}/{version}",
        time=datetime.now(UTC).isoformat(),
        reason=" ".join(reason.split())[:MAX_REASON],
        before=before[-DEPTH:],
    )
    with replacing(state / POINTER) as temporary:
        temporary.write_text(json.dumps(asdict(pointer), indent=1) + "\n", encoding="utf-8")
        _flush(temporary)
    _flush(state)
    entry = {"action": action, "version": version, "time": pointer.time, "reason": pointer.reason}
    with (state / HISTORY).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry) + "\n")
    return pointer


def _flush(path: Path) -> None:
    """Let what was written reach the disk before anything names it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Hold STATE's lock, which the system lets go of when a process ends, however it ends."""
    state.mkdir(parents=True, exist_ok=True)
    with (state / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataError(f"{state}: another promotion is running; wait for it and try again") from None
        yield
