"""Which files of the package a module needs: what it imports, anywhere in it, and the files that it names beside it."""

import ast
import functools
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "src/unmask"
RESOURCE = re.compile(r"[\w./-]+\.(html|css|js|json|txt|md|jinja|svg|csv)")
FOLDER = re.compile(r"[a-z_]+")


def imported_names(tree: ast.AST) -> Iterator[str]:
    """Dotted names that a module imports anywhere in it, also `package.name` for `from package import name`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_files(name: str) -> set[Path]:
    """The file of a dotted name inside the package and the __init__.py files on the way to it."""
    parts = name.split(".")
    if parts[0] != "unmask":
        return set()
    folders = [PACKAGE.joinpath(*parts[1:end]) for end in range(1, len(parts) + 1)]
    found = {folder / "__init__.py" for folder in folders} | {folders[-1].with_suffix(".py")}
    return {file for file in found if file.is_file()}


@functools.cache
def tree_of(file: Path) -> ast.Module:
    """A module's syntax."""
    return ast.parse(file.read_text())


def closure(start: Path, *, without: frozenset[Path] = frozenset()) -> set[Path]:
    """START and all that it needs, not followed into WITHOUT."""
    seen: set[Path] = set()
    waiting = [start]
    while waiting:
        file = waiting.pop()
        if file in seen or file in without:
            continue
        seen.add(file)
        if file.suffix == ".py":
            tree = tree_of(file)
            waiting.extend(resource_files(tree, file.parent))
            for name in imported_names(tree):
                waiting.extend(module_files(name))
    return seen


def resource_files(tree: ast.AST, folder: Path) -> set[Path]:
    """Templates and the like: files beside a module that it names, and all files of a named folder without modules."""
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    files = {folder / text for text in texts if RESOURCE.fullmatch(text) and (folder / text).is_file()}
    named = {base / text for text in texts if FOLDER.fullmatch(text) for base in (folder, folder.parent)}
    inside = [set(each.iterdir()) for each in named if PACKAGE in each.parents and each.is_dir()]
    return files.union(*(found for found in inside if not any(file.suffix in {".py", ""} for file in found)))


def third_party(file: Path) -> set[str]:
    """Top-level packages that a module imports which are neither Python's nor ours."""
    if file.suffix != ".py":
        return set()
    return {name.split(".")[0] for name in imported_names(tree_of(file))} - sys.stdlib_module_names - {"unmask"}
