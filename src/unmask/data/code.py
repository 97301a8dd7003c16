"""A digest of the code that a result was made by, other packages included, so that it is kept until that changes."""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions, version
from pathlib import Path

import unmask

PACKAGE = Path(unmask.__file__).parent
# They read, report and configure, and change no result; an edit of them must not make all anew.
PLUMBING = ("config", "console", "errors", "files", "data/shards")


@cache
def code_digest(module: str) -> str:
    """SHA-256, in hex, of a module of this package (its dotted name) and of all those that it imports, however far.

    Of other packages that these import the version counts: another Pillow may decode a picture differently.
    """
    digest = hashlib.sha256()
    files = sorted(modules_of(module))
    for file in files:
        digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes())
    for distribution in sorted(_distributions(files)):
        digest.update(f"{distribution}=={version(distribution)}".encode() + b"\0")
    return digest.hexdigest()


def modules_of(module: str) -> set[Path]:
    """The files of a module and of all modules of this package that it imports, also within functions, but PLUMBING."""
    known = {PACKAGE / f"{name}.py" for name in PLUMBING}
    waiting, found = list(_files(module)), set[Path]()
    while waiting:
        file = waiting.pop()
        if file not in found | known:
            found.add(file)
            waiting += [used for name in _imported(file) for used in _files(name)]
    return found


def _distributions(files: Iterable[Path]) -> set[str]:
    """What has to be installed for the imports of files, but for this package."""
    known = _distributions_by_name()
    names = {name.partition(".")[0] for file in files for name in _imported(file)} - {unmask.__name__}
    return {distribution for name in names for distribution in known.get(name, ())}


_distributions_by_name = cache(packages_distributions)


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            # What is imported from a package may be a module.
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def _files(name: str) -> Iterator[Path]:
    """The file of a dotted name within this package; none for other packages, and for what is no module."""
    package, *parts = name.split(".")
    file = PACKAGE.joinpath(*parts).with_suffix(".py")
    if package == unmask.__name__ and parts and file.is_file():
        yield file
