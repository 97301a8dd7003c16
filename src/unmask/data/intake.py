"""Take stock of a tree: which pictures and clips are new, which are known, which can't be used and why."""

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from unmask.console import track
from unmask.data.batches import list_batches, read_index
from unmask.data.examine import Caps, Entry, examine
from unmask.data.forgotten import read_forgotten
from unmask.data.parallel import ordered_map
from unmask.data.sources.layout import Refused, plain_text
from unmask.data.sources.recognise import survey
from unmask.data.sources.tree import Tree

_THREADS = 4
UNLABELLED = "unlabelled"
_Known = dict[str, tuple[str, str]]


@dataclass
class Intake:
    """What one ingest found in a tree; `sha_of` gives the bytes' hash by file, known pictures included."""

    tree: Tree
    expects: str
    new: list[Entry] = field(default_factory=list)
    known: int = 0
    forgotten: int = 0
    refused: list[Refused] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sha_of: dict[str, str] = field(default_factory=dict)

    def refuse(self, entries: Iterable[Entry], reason: str) -> None:
        """Put pictures into quarantine that looked whole at first."""
        self.refused += [Refused(entry.found.source, plain_text(entry.found.path), reason) for entry in entries]


def take_stock(where: Path | str, data: Path, *, layout: str | None, source: str | None, caps: Caps) -> Intake:
    """Look at every file below WHERE and compare it with the batches of DATA; nothing is written.

    Raises:
        DataError: WHERE has no known layout or not the one named, or a list, a sidecar or an earlier batch's index
            can't be read.
    """
    tree, chosen, finding = survey(where, layout=layout, source=source)
    known, forgotten = _known_labels(data), read_forgotten(data)
    intake = Intake(tree, chosen.expects, refused=finding.refused, notes=finding.notes)
    entries: list[Entry] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        work = partial(examine, tree=tree, caps=caps)
        looked_at = ordered_map(pool, work, finding.found.values(), ahead=16 * _THREADS)
        for result in track(looked_at, f"looking at {tree.name}", total=len(finding.found)):
            if isinstance(result, Entry):
                entries.append(result)
            else:
                intake.refused.append(result)
    intake.sha_of = {entry.found.file: entry.sha256 for entry in entries if entry.sha256 not in forgotten}
    _sort_out(entries, known, forgotten, intake)
    _find_originals(data, intake)
    return intake


def settle(intake: Intake, data: Path) -> None:
    """Hold what is new once more against DATA, which another ingest or a forget may have changed meanwhile."""
    entries, intake.new = intake.new, []
    _sort_out(entries, _known_labels(data), read_forgotten(data), intake)


def _known_labels(data: Path) -> _Known:
    known: _Known = {}
    for batch in list_batches(data):
        rows = read_index(batch, ["raw_sha256", "label"])
        for sha, label in zip(rows["raw_sha256"], rows["label"], strict=True):
            if known.get(sha, (UNLABELLED,))[0] == UNLABELLED:
                known[sha] = (label, batch.name)
    return known


def _sort_out(entries: list[Entry], known: _Known, forgotten: set[str], intake: Intake) -> None:
    for sha256, alike in _same_bytes(entries):
        labels = sorted({entry.found.label for entry in alike})
        earlier, where = known.get(sha256, ("", ""))
        if sha256 in forgotten:
            intake.forgotten += len(alike)
        elif len(labels) > 1:
            intake.refuse(alike, f"same bytes as {' and '.join(labels)}")
        elif earlier == UNLABELLED and labels[0] != UNLABELLED:
            intake.new.append(alike[0])  # somebody looked at it meanwhile; assemble keeps the row with the label
            intake.known += len(alike) - 1
        elif earlier and earlier != labels[0]:
            intake.refuse(alike, f"same bytes are in batch {where} as {earlier}")
        elif earlier:
            intake.known += len(alike)
        else:
            intake.new.append(alike[0])
            intake.known += len(alike) - 1
    intake.new.sort(key=lambda entry: (entry.found.source, entry.sha256))


def _same_bytes(entries: list[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    same: dict[str, list[Entry]] = {}
    for entry in entries:
        same.setdefault(entry.sha256, []).append(entry)
    yield from same.items()


def _find_originals(data: Path, intake: Intake) -> None:
    """Look in earlier batches for originals that new fakes name and that are not here, and note what stays lost."""
    wanted = {
        (entry.found.source, entry.found.pair)
        for entry in intake.new
        if entry.found.pair and entry.found.pair not in intake.sha_of
    }
    for batch in list_batches(data) if wanted else []:
        rows = read_index(batch, ["source", "path", "raw_sha256"])
        for source, path, sha256 in zip(rows["source"], rows["path"], rows["raw_sha256"], strict=True):
            if (source, path) in wanted:
                intake.sha_of[path] = sha256
    lost = Counter(pair for _, pair in wanted if pair not in intake.sha_of)
    if lost:
        first = min(lost)
        intake.notes.append(f"{len(lost):,} originals that fakes name are not here or can't be used (first: {first})")
