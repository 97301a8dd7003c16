"""What a layout is: it recognises a tree, and says of each file what it is, or why it can't be used."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from unmask.data.sources.tree import Tree

CAMERA = "camera"
UNKNOWN_GENERATOR = "unknown"


@dataclass(frozen=True, slots=True)
class Found:
    """A file with a place in the layout, and what the layout knows of it; "" is unknown.

    `file` and `mask` are paths of the tree, `pair` is the one of the real that a fake was made from; `path` is the
    file's name in its source. `group` is an identity or whatever must not be split, `first_seen` an ISO date.
    """

    file: str
    source: str
    path: str
    label: str
    generator: str
    group: str = ""
    clip: str = ""
    first_seen: str = ""
    pair: str = ""
    mask: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    landmarks: npt.NDArray[np.float32] | None = field(default=None, compare=False)

    @property
    def attributes_json(self) -> str:
        """The attributes as a JSON object with sorted keys; unknown ones are left out."""
        known = {name: value for name, value in self.attributes.items() if value}
        return json.dumps(known, sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True)
class Refused:
    """A file that can't be used, and why."""

    source: str
    path: str
    reason: str


@dataclass
class Finding:
    """What a layout found, by file; `used` are files read for others (sidecars, lists), `masks` all that could be.

    `notes` is a line each on what could not be used without being a file.
    """

    found: dict[str, Found] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    masks: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def take(self, found: Found) -> None:
        """Take a file; named again with the same label it stays as it was, with another one it is refused."""
        earlier = self.found.get(found.file)
        if found.file in self.used:
            return
        if earlier is None:
            self.found[found.file] = found
        elif earlier.label != found.label:
            del self.found[found.file]
            labels = " and ".join(sorted({earlier.label, found.label}))
            self.refuse(found.file, f"named as {labels}", source=found.source, path=found.path)

    def refuse(self, file: str, reason: str, *, source: str, path: str = "") -> None:
        """Refuse a file, named PATH in its source."""
        self.used.add(file)
        self.refused.append(Refused(source, plain_text(path or file), plain_text(reason)))

    def pass_over(self, tree: Tree, *folders: str) -> None:
        """Pass over what published data sets keep in FOLDERS beside their pictures; a note says how much it is."""
        self.used.update(beside := [path for path in tree.paths if set(folders) & set(path.split("/")[:-1])])
        self.note(beside, f"{{}} files in {', '.join(folders)} are passed over")

    def note(self, rows: list[str], what: str) -> None:
        """Say how many ROWS of a file could not be used, and which is the first; nothing where there is none."""
        if rows:
            self.notes.append(f"{what.format(f'{len(rows):,}')} (first: {rows[0]})")


class Layout(Protocol):
    """A way to lay out pictures and clips in folders or lists; `expects` teaches it in a line."""

    @property
    def name(self) -> str:
        """What `--layout` calls it."""

    @property
    def expects(self) -> str:
        """What it looks like."""

    @property
    def selects(self) -> bool:
        """Whether lists select the files, so that what none names is passed over; else it is refused."""

    def recognises(self, tree: Tree) -> bool:
        """Whether the tree looks like it; reads no more than the first bytes of a few files."""

    def find(self, tree: Tree, source: str) -> Finding:
        """Say of the tree's files what they are; SOURCE is the name that the user chose, or "".

        Raises:
            DataError: a list or sidecar can't be parsed, or SOURCE is needed.
        """


def plain_text(text: str) -> str:
    """A text that Parquet can hold: what is no character (a lone surrogate in JSON or in a file's name) is escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def without_suffix(path: str) -> str:
    """A path without its last suffix, for any text."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + (name.rpartition(".")[0] or name)
