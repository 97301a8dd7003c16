"""Remove pictures from data/ for good: their bytes, masks and index rows; nothing else changes by a byte."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path

import pandas as pd

from unmask.console import say, track
from unmask.data.batches import INDEX_SCHEMA, Batch, list_batches, read_index
from unmask.data.forgotten import FORGOTTEN, read_forgotten, write_forgotten
from unmask.data.lock import only_writer
from unmask.data.shards import ShardReader, ShardWriter, open_shard
from unmask.data.tables import write_typed
from unmask.errors import DataError

_COLUMNS = ["raw_sha256", "source", "label", "generator", "path", "group_hint", "pair_sha256", "bytes"]
_SHORTEST_HASH = 12


@dataclass(frozen=True)
class Selection:
    """Which pictures: all conditions that are not "" must hold.

    `source`, `path` (below its source) and `group` may have the wildcards * and ?; `sha256` is the hash of the
    original bytes, or its first digits. With `forgeries`, fakes that were made from a chosen real go with it.
    """

    source: str = ""
    sha256: str = ""
    path: str = ""
    group: str = ""
    forgeries: bool = False

    def check(self) -> None:
        """Refuse a selection of everything, and a hash that is too short to be meant.

        Raises:
            DataError: the message names the option.
        """
        if not any(getattr(self, field.name) for field in fields(self) if field.name != "forgeries"):
            raise DataError("nothing chosen; say which pictures with --source, --sha256, --path or --group")
        digits = self.sha256.lower()
        if digits and (len(digits) < _SHORTEST_HASH or not set(digits) <= set("0123456789abcdef")):
            raise DataError(f"--sha256 {self.sha256}: give at least {_SHORTEST_HASH} of its 64 hex digits")

    def mask(self, rows: pd.DataFrame) -> "pd.Series[bool]":
        """Which of the index's ROWS are chosen."""
        chosen = pd.Series(data=True, index=rows.index, dtype=bool)
        for column, pattern in (("source", self.source), ("path", self.path), ("group_hint", self.group)):
            if pattern:
                chosen &= (rows[column] == pattern) | rows[column].map(partial(_matches, pattern)).astype(bool)
        return chosen & rows["raw_sha256"].str.startswith(self.sha256.lower())


def _matches(pattern: str, text: str) -> bool:
    return fnmatchcase(text, pattern)


def forget(data: Path, selection: Selection, *, yes: bool) -> str:
    """Remove the chosen pictures from DATA, or only say which they are unless YES; returns the summary line.

    Their hashes are written down first, then rows go, then bytes: readers meet a whole data set at any time, and a run
    that was killed is completed by the next, whatever it chooses.

    Raises:
        DataError: nothing is chosen, DATA is no data folder or damaged, or somebody else is writing there.
    """
    selection.check()
    batches = list_batches(data)
    if not batches:
        raise DataError(f"{data}/: missing or empty, there is nothing to forget")
    chosen = _chosen(batches, selection)
    if not yes:
        _say_what(chosen)
        return f"would forget {_summary(chosen)}; nothing changed, --yes does it"
    with only_writer(data):
        earlier = read_forgotten(data)
        hashes = earlier | set(chosen["raw_sha256"])
        if hashes != earlier:
            write_forgotten(data, hashes)
        changed = [batch for batch in track(batches, "forgetting") if _purge(batch, hashes)]
    if not changed:
        return f"nothing to forget in {data}"
    return (
        f"forgot {_summary(chosen)}; {len(changed)} of {len(batches)} batches rewritten, {FORGOTTEN} keeps the hashes"
    )


def _chosen(batches: list[Batch], selection: Selection) -> pd.DataFrame:
    rows = pd.concat([read_index(batch, _COLUMNS) for batch in batches], ignore_index=True)
    chosen = selection.mask(rows)
    made_from_chosen = rows["pair_sha256"].isin(set(rows.loc[chosen, "raw_sha256"])) & ~chosen
    if selection.forgeries:
        chosen |= made_from_chosen
    elif made_from_chosen.any():
        count = int(made_from_chosen.sum())
        say(f"note: {count:,} fakes made from these pictures are not among them; --with-forgeries takes them too")
    return rows[chosen]


def _say_what(chosen: pd.DataFrame) -> None:
    counts = Counter(zip(chosen["source"], chosen["label"], chosen["generator"], strict=True))
    for names, count in sorted(counts.items()):
        say(f"  {'/'.join(filter(None, names))}: {count:,}")


def _summary(chosen: pd.DataFrame) -> str:
    return f"{len(chosen):,} pictures or clips ({chosen['bytes'].sum() / 1e6:,.1f} MB)"


def _purge(batch: Batch, hashes: set[str]) -> bool:
    """Take rows and bytes with these HASHES out of a batch; whether there were any."""
    index = read_index(batch)
    gone = index["raw_sha256"].isin(hashes)
    if gone.any():
        # Rows before bytes: no row may name what is not there, should the run be killed in between.
        write_typed(batch.folder / "index.parquet", index[~gone], INDEX_SCHEMA)
    shards = [shard for shard in sorted(batch.folder.glob("*.zip")) if _holds(shard, hashes)]
    for shard in shards:
        _rewrite(shard, hashes)
    return bool(gone.any()) or bool(shards)


def _members(shard: Path) -> list[str]:
    with open_shard(shard) as opened:
        return opened.namelist()


def _holds(shard: Path, hashes: set[str]) -> bool:
    return any(_sha256(member) in hashes for member in _members(shard))


def _sha256(member: str) -> str:
    return member.partition(".")[0]


def _rewrite(shard: Path, hashes: set[str]) -> None:
    kept = [member for member in _members(shard) if _sha256(member) not in hashes]
    if not kept:
        shard.unlink()
        return
    with ShardReader(shard.parent) as reader, ShardWriter(shard) as writer:
        for member in kept:
            writer.write(member, reader.read(f"{shard.name}/{member}"))


def remaining_traces(data: Path, md5: str) -> Iterator[str]:
    """Lines on what else may hold what was forgotten from DATA, whose hash in data.dvc is still MD5."""
    yield "what was forgotten may still be elsewhere; purge it there too:"
    yield f"  build/ and data.dvc     dvc add {data} && dvc repro"
    yield "  the local DVC cache     git commit, then: dvc gc --workspace"
    yield "  DVC remotes             dvc gc --workspace --cloud --remote NAME, for each of: dvc remote list"
    yield f"  models and bundles      those whose bundle.json or card names data {md5}, or an earlier hash of"
    yield "                          data.dvc (git log data.dvc): retrain, promote the new one, delete the old"
    yield f"  names of refused files  quarantine.parquet of the batches in {data}, which holds no bytes"
    yield "  splits                  a group that lost the picture it was named after may move to another split: do not"
    yield "                          hold an older model against the new test rows"
    yield "  other copies            the folder it was ingested from, var/ (inbox, traffic log, checkpoints), backups"
