"""Which layout a tree has, and an account of every file in it."""

from pathlib import Path

from unmask.data.sources.celeb_df import CelebDF
from unmask.data.sources.deepfakebench import DeepfakeBench
from unmask.data.sources.dfdc import Dfdc
from unmask.data.sources.faceforensics import FaceForensics
from unmask.data.sources.folders import Folders
from unmask.data.sources.forensynths import ForenSynths
from unmask.data.sources.genimage import GenImage
from unmask.data.sources.layout import Finding, Layout
from unmask.data.sources.lists import Lists
from unmask.data.sources.tree import Tree, open_tree
from unmask.errors import DataError

LAYOUTS: tuple[Layout, ...] = (
    Folders(),
    FaceForensics(),
    CelebDF(),
    Dfdc(),
    DeepfakeBench(),
    ForenSynths(),
    GenImage(),
    Lists(),
)
_SHOWN = 8


def survey(where: Path | str, *, layout: str | None, source: str | None) -> tuple[Tree, Layout, Finding]:
    """List what lies below WHERE, recognise its layout (or hold it against the one named), and find the files.

    Raises:
        DataError: there is nothing, it is not laid out as expected or could be several layouts, or a list or
            sidecar can't be parsed.
    """
    try:
        tree = open_tree(where)
    except DataError as error:
        plain = LAYOUTS[0].expects
        message = f"{error}; ingest takes a folder laid out as {plain}, or what `unmask ingest --help` lists"
        raise DataError(message) from None
    chosen = _named(tree, layout) if layout else _recognised(tree, source)
    finding = chosen.find(tree, source or "")
    account_for_the_rest(tree, chosen, finding, source or chosen.name)
    return tree, chosen, finding


def _named(tree: Tree, name: str) -> Layout:
    layout = next((layout for layout in LAYOUTS if layout.name == name), None)
    if layout is None:
        raise DataError(f"--layout {name}: no such layout; there are {', '.join(each.name for each in LAYOUTS)}")
    if layout not in _possible(tree) or not (isinstance(layout, Folders) or layout.recognises(tree)):
        raise DataError(f"{tree.root}: not laid out as {name}; expected {layout.expects}; {_found(tree)}")
    return layout


def _recognised(tree: Tree, source: str | None) -> Layout:
    layouts = [layout for layout in _possible(tree) if layout.recognises(tree)]
    if len(layouts) > 1:
        names = " or ".join(layout.name for layout in layouts)
        raise DataError(f"{tree.root}: could be laid out as {names}; say which with --layout NAME")
    if layouts:
        return layouts[0]
    if source and not tree.chosen:
        return LAYOUTS[0]
    raise DataError(f"{tree.root}: no layout recognised; {_found(tree)}; expected {_expected()}")


def _possible(tree: Tree) -> list[Layout]:
    """A root that is itself a list can only be a layout of lists."""
    return [layout for layout in LAYOUTS if layout.selects or not tree.chosen]


def _expected() -> str:
    return "; or ".join(f"{layout.name}: {layout.expects}" for layout in LAYOUTS)


def _found(tree: Tree) -> str:
    names = tree.top
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"found {len(tree.paths):,} files in {', '.join(names[:_SHOWN])}{more}" if names else "found no file"


def account_for_the_rest(tree: Tree, layout: Layout, finding: Finding, source: str) -> None:
    """Refuse what the layout has no place for, or note it where lists select; note masks that belong to nothing."""
    used_masks = {found.mask for found in finding.found.values()} - {""}
    accounted = finding.used | finding.masks | used_masks | finding.found.keys()
    for path, reason in sorted(tree.refused.items()):
        if path not in accounted and not layout.selects:
            finding.refuse(path, reason, source=source)
    rest = [path for path in tree.paths if path not in accounted]
    if layout.selects:
        finding.note(rest, "{} files are passed over because no list names them")
    else:
        for path in rest:
            finding.refuse(path, f"not in a place of the layout {layout.name} ({layout.expects})", source=source)
    finding.note(sorted(finding.masks - used_masks - finding.used), "{} masks belong to no picture that is here")
