"""Pictures and clips in folders: `<source>/<real|fake|unlabelled>/<generator>/<any depth>/<file>`.

Our own layout, which no public loader reads.
"""

from dataclasses import replace
from itertools import groupby
from pathlib import PurePosixPath

from unmask.data.manifest import LABELS
from unmask.data.sources.layout import CAMERA, Finding, Found, without_suffix
from unmask.data.sources.sidecars import SIDECARS, apply_sidecars
from unmask.data.sources.tree import LEAVES, Tree
from unmask.errors import DataError

MASKS = "masks/"


class Folders:
    """Sources as folders, or the tree as one source whose name the user chose."""

    name = "folders"
    selects = False
    expects = "<source>/<real|fake|unlabelled>/<generator>/..."

    def recognises(self, tree: Tree) -> bool:
        """Whether a label's folder lies in the tree, or in a folder of it."""
        return any(set(folders) & set(LABELS) for folders in _top_folders(tree))

    def find(self, tree: Tree, source: str) -> Finding:
        """Find the pictures of each source, with its sidecars and masks.

        Raises:
            DataError: the tree is itself a source and has no name, holds none, or a sidecar can't be parsed.
        """
        everything = sorted([*tree.paths, *tree.refused])
        finding = Finding()
        if source:
            _find_source(tree, source, "", everything, finding)
            return finding
        if any(folders and folders[0] in LABELS for folders in _top_folders(tree)):
            labels = ", ".join(LABELS)
            raise DataError(f"{tree.root}: is one source ({labels} lie directly in it); name it with --source NAME")
        inside = [path for path in everything if "/" in path]
        if not inside:
            raise DataError(f"{tree.root}: holds no source folder; ingest takes a folder laid out as {self.expects}")
        for path in everything:
            if "/" not in path:
                finding.refuse(path, tree.refused.get(path, f"not inside a source folder ({self.expects})"), source="")
        for name, paths in groupby(inside, key=lambda path: path.partition("/")[0]):
            _find_source(tree, name, f"{name}/", list(paths), finding)
        return finding


def _top_folders(tree: Tree) -> set[tuple[str, ...]]:
    """The first two folders of each path."""
    return {tuple(path.split("/")[:-1][:2]) for path in tree.paths}


def _find_source(tree: Tree, source: str, prefix: str, files: list[str], finding: Finding) -> None:
    flat = not any(file.startswith(tuple(f"{prefix}{label}/" for label in LABELS)) for file in files)
    reasons = {file: _unusable(tree, file, prefix) for file in files}
    found = []
    for file, reason in reasons.items():
        path = file[len(prefix) :]
        if path.startswith(MASKS):
            finding.masks.add(file)
            if reason:
                finding.used.add(file)
                finding.notes.append(f"{tree.at(file)}: {reason}; this mask is left out")
        elif path not in SIDECARS or reason:
            placed = reason or _place(source, file, path, flat=flat)
            if isinstance(placed, str):
                finding.refuse(file, placed, source=source, path=path)
            else:
                found.append(replace(placed, mask=_mask(reasons, prefix, path)))
    for picture in apply_sidecars(tree, prefix, found, finding):
        finding.take(picture)


def _unusable(tree: Tree, file: str, prefix: str) -> str:
    inside = tree.links.get(file, prefix).startswith(prefix)
    return tree.refused.get(file, "" if inside else LEAVES)


def _place(source: str, file: str, path: str, *, flat: bool) -> Found | str:
    """The picture, or why the file has no place in the layout."""
    parts = PurePosixPath(path).parts
    label, depth = parts[0], len(parts) - 1
    if flat and depth == 0:
        return Found(file, source, path, "unlabelled", "")
    if label not in LABELS:
        return f"not below one of {', '.join(f'{name}/' for name in LABELS)}"
    if depth == 0:
        return "a file where a label's folder should be"
    if label == "fake" and depth == 1:
        return "fake/ needs a folder for each generator"
    return Found(file, source, path, label, _generator(label, parts))


def _generator(label: str, parts: tuple[str, ...]) -> str:
    if label == "unlabelled":
        return ""
    return parts[1] if len(parts) > 2 else CAMERA


def _mask(reasons: dict[str, str], prefix: str, path: str) -> str:
    # A picture's mask is a PNG, a clip's is a clip.
    mirrored = f"{prefix}{MASKS}{path}"
    candidates = (f"{without_suffix(mirrored)}.png", mirrored)
    return next((file for file in candidates if reasons.get(file) == ""), "")
