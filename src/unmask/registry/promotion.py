"""Stages given to versions, and the service's pointer moved with them.

The tag is written first and the pointer after it, so that `settle` can finish what was killed in between.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from unmask.errors import DataError
from unmask.evaluation.comparison.revisions import OUTPUTS, evaluation_folder
from unmask.git import Identity
from unmask.registry.tags import Stage, Version, assign, assignments, versions
from unmask.serving import promoted
from unmask.serving.bundle import load_bundle

ROLLBACK = "rollback from "
TAG_CLOCK = timedelta(seconds=1)  # the time of a tag is cut to seconds


def find_version(root: Path, name: str) -> Version:
    """The version of that name (v1.2.0 or 1.2.0).

    Raises:
        DataError: there is none; the message names those there are.
    """
    known = versions(root)
    wanted = f"v{name.removeprefix('v')}"
    for version in known:
        if version.name == wanted:
            return version
    there = ", ".join(version.name for version in known[:5]) or "none yet"
    raise DataError(f"{name}: no such version; registered: {there}")


def stack(root: Path, stage: Stage = "prod") -> list[str]:
    """Versions that had the stage, the present one last: a promotion pushes, a rollback pops."""
    names: list[str] = []
    for one in assignments(root):
        if one.stage != stage or names[-1:] == [one.version]:
            continue
        if one.reason.startswith(ROLLBACK) and names[-2:-1] == [one.version]:
            names.pop()
        else:
            names.append(one.version)
    return names


def champion(root: Path) -> Version | None:
    """The version in prod; None where nothing was promoted yet."""
    names = stack(root)
    return find_version(root, names[-1]) if names else None


def promote(root: Path, state: Path, name: str, *, stage: Stage, reason: str, identity: Identity) -> Version:
    """Give a version the STAGE; in prod the services that look at STATE take it up.

    Raises:
        DataError: there is no such version, its bundle is in neither STATE nor DVC's cache or remote, or it is damaged.
    """
    version = find_version(root, name)
    if stage == "prod":
        with bundle_of(version, root, state):
            pass  # what can't be served must not get the tag
    if stack(root, stage)[-1:] != [version.name]:
        assign(root, version.name, stage, reason=reason, identity=identity)
    if stage == "prod":
        _point(version, root, state, reason)
    return version


def rollback(root: Path, state: Path, *, identity: Identity) -> Version:
    """Give prod back to the version that had it before, and let the services answer with it.

    Raises:
        DataError: there was none, or its bundle is lost or damaged.
    """
    names = stack(root)
    if len(names) < 2:
        only = f"{names[0]} is the first version in prod" if names else "no version is in prod"
        raise DataError(f"registry: {only}; there is nothing to go back to")
    version, reason = find_version(root, names[-2]), f"{ROLLBACK}{names[-1]}"
    with bundle_of(version, root, state):
        pass
    assign(root, version.name, "prod", reason=reason, identity=identity)
    _point(version, root, state, reason)
    return version


def settle(root: Path, state: Path) -> str:
    """Let the service's pointer follow the last change of prod where a kill came between; what was done, or "".

    A pointer that was moved later than the tag, by `unmask promote`, stays: a person did that.

    Raises:
        DataError: as promote.
    """
    latest = [one for one in assignments(root) if one.stage == "prod"][-1:]
    if not latest:
        return ""
    version, pointer = find_version(root, latest[0].version), promoted.read_pointer(state)
    if pointer and pointer.version == version.model:
        return ""
    if pointer and datetime.fromisoformat(pointer.time) >= latest[0].time + TAG_CLOCK:
        return ""
    _point(version, root, state, latest[0].reason)
    return f"the service's pointer was behind the registry and names {version.name} now"


@contextmanager
def bundle_of(version: Version, root: Path, state: Path) -> Iterator[Path]:
    """The bundle of a version: the copy in STATE, else from DVC's cache or remote, checked.

    Raises:
        DataError: it is in neither place, or it is another model.
    """
    kept = state / promoted.BUNDLES / version.model
    if kept.is_dir():
        yield _checked(kept, version)
        return
    with evaluation_folder(version.commit, root) as evaluation:
        # The folder is a copy of the project's build/, in which the bundle has its usual place.
        yield _checked(evaluation.parents[1] / OUTPUTS[1], version)


def _checked(folder: Path, version: Version) -> Path:
    bundle = load_bundle(folder)
    if bundle.version != version.model:
        raise DataError(f"{folder}: holds model {bundle.version}, {version.name} is {version.model}")
    return folder


def _point(version: Version, root: Path, state: Path, reason: str) -> None:
    pointer = promoted.read_pointer(state)
    if pointer and pointer.before[-1:] == [version.model] and reason.startswith(ROLLBACK):
        promoted.rollback(state)
        return
    with bundle_of(version, root, state) as folder:
        promoted.promote(folder, state, f"{version.name}: {reason}")
