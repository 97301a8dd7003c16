"""The adapter to gto: a version is a tag `unmask@v1.2.0`, an assignment of a stage a tag `unmask#prod#7`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

import gto.api
from gto.exceptions import GTOException
from scmrepo.exceptions import SCMError

from unmask.errors import DataError
from unmask.git import Identity

ARTIFACT = "unmask"
FIRST = "v1.0.0"
Stage = Literal["staging", "prod"]
STAGES: tuple[Stage, ...] = ("staging", "prod")
_MODEL = re.compile(r"^Model: ([0-9a-f]{12})$", re.MULTILINE)


@dataclass(frozen=True)
class Version:
    """A registered version: its name (v1.2.0), commit, time of registration, the model's own version, and why."""

    name: str
    commit: str
    time: datetime
    model: str
    reason: str


@dataclass(frozen=True)
class Assignment:
    """A version that was given a stage; NUMBER counts up, because two of one second have the same time."""

    number: int
    stage: Stage
    version: str
    time: datetime
    reason: str


def register(root: Path, commit: str, *, model: str, reason: str, identity: Identity) -> str:
    """Register the model of COMMIT as the next version, or find it registered; returns the version's name.

    Raises:
        DataError: ROOT is no git repository, or gto refuses.
    """
    known = versions(root)
    for version in known:
        if version.commit == commit:
            return version.name
    with _one_line():
        event = gto.api.register(
            str(root),
            ARTIFACT,
            commit,
            version=None if known else FIRST,
            message=f"{reason}\n\nModel: {model}\n",
            bump_minor=bool(known),
            author=identity.name,
            author_email=identity.email,
        )
    return str(event.version)


def assign(root: Path, version: str, stage: Stage, *, reason: str, identity: Identity) -> None:
    """Give VERSION the stage, whether or not it had it before.

    Raises:
        DataError: there is no such version.
    """
    with _one_line():
        gto.api.assign(
            str(root),
            ARTIFACT,
            stage,
            version=version,
            message=reason,
            force=True,
            author=identity.name,
            author_email=identity.email,
        )


def versions(root: Path) -> list[Version]:
    """All versions, the newest first.

    Raises:
        DataError: ROOT is no git repository.
    """
    found = [
        Version(
            name=str(event["version"]),
            commit=str(event["commit"]),
            time=_utc(event["timestamp"]),
            model=_model(str(event["message"])),
            reason=str(event["message"]).split("\n", maxsplit=1)[0],
        )
        for event in _events(root)
        if event["event"] == "registration"
    ]
    return sorted(found, key=lambda version: _semver(version.name), reverse=True)


def assignments(root: Path) -> list[Assignment]:
    """All assignments of stages, in the order in which they were made.

    Raises:
        DataError: ROOT is no git repository.
    """
    found = [
        Assignment(
            number=int(str(event["ref"]).rpartition("#")[2]),
            stage=event["stage"],
            version=str(event["version"]),
            time=_utc(event["timestamp"]),
            reason=str(event["message"]),
        )
        for event in _events(root)
        if event["event"] == "assignment" and event["stage"] in STAGES
    ]
    return sorted(found, key=lambda assignment: assignment.number)


def _events(root: Path) -> list[dict[str, object]]:
    with _one_line():
        return cast("list[dict[str, object]]", gto.api.history(str(root), ARTIFACT))


def _model(message: str) -> str:
    named = _MODEL.search(message)
    return named[1] if named else ""


def _semver(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.removeprefix("v").split("-")[0].split("."))


def _utc(time: object) -> datetime:
    """Times of gto are of this machine's zone, without naming it."""
    return cast("datetime", time).astimezone(UTC)


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except (GTOException, SCMError) as error:
        raise DataError(f"registry: {' '.join(str(error).split()) or type(error).__name__}") from None
