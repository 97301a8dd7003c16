"""Take stock of a folder: which pictures are new, which are known, which can't be used and why."""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from unmask.console import track
from unmask.data.batches import list_batches, read_index
from unmask.data.examine import Caps, Entry, examine
from unmask.data.parallel import ordered_map
from unmask.data.sources.folders import Found, Refused, Source, find_pictures, find_sources
from unmask.data.sources.sidecars import Sidecars, read_sidecars

_THREADS = 4


@dataclass
class Intake:
    """What one ingest found; `sha_of` gives the bytes' hash by source and path, known pictures included."""

    new: list[Entry] = field(default_factory=list)
    known: int = 0
    refused: list[Refused] = field(default_factory=list)
    sidecars: dict[str, Sidecars] = field(default_factory=dict)
    sha_of: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def counts(self) -> Counter[tuple[str, str, str]]:
        """New pictures by source, label and generator."""
        return Counter((entry.found.source.name, entry.found.label, entry.found.generator) for entry in self.new)

    @property
    def notes(self) -> list[str]:
        """Lines on what the sidecars say that could not be used."""
        return [note for sidecars in self.sidecars.values() for note in sidecars.notes]

    def refuse(self, entries: Iterable[Entry], reason: str) -> None:
        """Put pictures into quarantine that looked whole at first."""
        self.refused += [Refused(entry.found.source.name, entry.found.path, reason) for entry in entries]


def take_stock(path: Path, data: Path, *, source: str | None, caps: Caps) -> Intake:
    """Look at every file below PATH and compare it with the batches of DATA; nothing is written.

    Raises:
        DataError: PATH is no source folder, or a sidecar or an earlier batch's index can't be read.
    """
    sources, beside = find_sources(path, source)
    known = _known_labels(data)
    intake, examined = Intake(refused=list(beside)), []
    with ThreadPoolExecutor(_THREADS) as pool:
        for each in sources:
            entries = _examine_source(each, pool, caps, intake)
            intake.sidecars[each.name] = read_sidecars(each, [entry.found for entry in entries])
            intake.sha_of.update({(each.name, entry.found.path): entry.sha256 for entry in entries})
            examined += entries
    _sort_out(examined, known, intake)
    return intake


def _examine_source(source: Source, pool: ThreadPoolExecutor, caps: Caps, intake: Intake) -> list[Entry]:
    found: list[Found] = []
    for item in find_pictures(source):
        if isinstance(item, Found):
            found.append(item)
        else:
            intake.refused.append(item)
    entries = []
    looked_at = ordered_map(pool, partial(examine, caps=caps), found, ahead=16 * _THREADS)
    for result in track(looked_at, f"looking at {source.name}", total=len(found)):
        if isinstance(result, Entry):
            entries.append(result)
        else:
            intake.refused.append(result)
    return entries


def _known_labels(data: Path) -> dict[str, tuple[str, str]]:
    known: dict[str, tuple[str, str]] = {}
    for batch in list_batches(data):
        rows = read_index(batch, ["raw_sha256", "label"])
        known.update({sha: (label, batch.name) for sha, label in zip(rows["raw_sha256"], rows["label"], strict=True)})
    return known


def _sort_out(entries: list[Entry], known: dict[str, tuple[str, str]], intake: Intake) -> None:
    same: dict[str, list[Entry]] = {}
    for entry in entries:
        same.setdefault(entry.sha256, []).append(entry)
    for sha256, alike in same.items():
        labels = sorted({entry.found.label for entry in alike})
        earlier, where = known.get(sha256, ("", ""))
        if len(labels) > 1:
            intake.refuse(alike, f"same bytes as {' and '.join(labels)}")
        elif earlier and earlier != labels[0]:
            intake.refuse(alike, f"same bytes are in batch {where} as {earlier}")
        elif earlier:
            intake.known += len(alike)
        else:
            intake.new.append(alike[0])
            intake.known += len(alike) - 1
    intake.new.sort(key=lambda entry: (entry.found.source.name, entry.sha256))
