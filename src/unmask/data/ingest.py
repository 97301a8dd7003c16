"""Take a folder of pictures into data/ as one new batch; earlier batches are never touched."""

import fcntl
import hashlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from unmask.console import say, track
from unmask.data.batches import INDEX_SCHEMA, QUARANTINE_SCHEMA, list_batches, read_index
from unmask.data.decode import pillow_quiet
from unmask.data.examine import Caps, Entry, read_capped, read_mask
from unmask.data.intake import Intake, take_stock
from unmask.data.manifest import LABELS, SAMPLE_SOURCE
from unmask.data.shards import SHARD_BYTES, ShardWriter
from unmask.data.sources.folders import LAYOUT
from unmask.data.tables import write_typed
from unmask.errors import DataError
from unmask.files import replacing

_BATCH_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def ingest(
    path: Path,
    data: Path,
    *,
    today: str,
    source: str | None = None,
    batch: str | None = None,
    caps: Caps | None = None,
    dry_run: bool = False,
) -> str:
    """Read PATH and write one batch below DATA; returns the summary line.

    `today` (ISO date) names the batch, with a counter, where `batch` is None, and dates every picture whose
    sidecar gives no first_seen. Pictures whose bytes any batch holds already are left out, so a second run does
    nothing. What can't be used goes to the batch's quarantine.parquet with a reason.

    Raises:
        DataError: PATH is no source folder, a sidecar can't be parsed, nothing is usable, or the batch exists.
    """
    caps = caps or Caps()
    with pillow_quiet():
        intake = take_stock(path, data, source=source, caps=caps)
    if not intake.new:
        return _nothing_new(path, intake)
    if dry_run:
        for (name, label, generator), count in sorted(intake.counts.items()):
            say(f"  {name}/{label}/{generator}: {count:,}")
        return _with_notes(intake, f"would take {_summary(intake)}; nothing written")
    data.mkdir(parents=True, exist_ok=True)
    with _locked(data):
        name = _batch_name(data, batch, today)
        shards = _write_batch(data, name, intake, caps=caps, today=today)
    _mention_sample(data)
    where = f"into {data / name} ({shards} shard{'s' * (shards != 1)})"
    return _with_notes(intake, f"{_summary(intake)}, {where}")


def _nothing_new(path: Path, intake: Intake) -> str:
    if not intake.known:
        first = f"; first: {intake.refused[0].path}: {intake.refused[0].reason}" if intake.refused else ""
        raise DataError(f"{path}: no usable picture among {len(intake.refused)} files{first}; expected {LAYOUT}")
    return _with_notes(intake, f"nothing new, {intake.known:,} known already, {len(intake.refused):,} unusable")


def _summary(intake: Intake) -> str:
    labels = Counter(entry.found.label for entry in intake.new)
    kinds = ", ".join(f"{labels[label]:,} {label}" for label in LABELS if labels[label])
    others = f"{intake.known:,} known or repeated, {len(intake.refused):,} quarantined"
    return f"{len(intake.new):,} pictures ({kinds}), {others}"


def _with_notes(intake: Intake, summary: str) -> str:
    for line in intake.notes:
        say(f"note: {line}")
    for item in intake.refused[:3]:
        say(f"note: {'/'.join(filter(None, (item.source, item.path)))}: {item.reason}")
    return summary


def _batch_name(data: Path, wanted: str | None, today: str) -> str:
    if wanted is None:
        number = 1
        while (data / f"{today}-{number}").exists():
            number += 1
        return f"{today}-{number}"
    if not _BATCH_NAME.fullmatch(wanted):
        raise DataError(f"batch {wanted!r}: a name has letters, digits, dots, dashes and underscores, at most 64")
    if (data / wanted).exists():
        raise DataError(f"{data / wanted}: this batch exists, and batches are never changed; choose another --batch")
    return wanted


@contextmanager
def _locked(data: Path) -> Iterator[None]:
    descriptor = os.open(data, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left_over in data.glob(".*.tmp"):
            # Only a killed ingest leaves one, and none is running.
            shutil.rmtree(left_over)
        yield
    except BlockingIOError:
        raise DataError(f"{data}: another ingest is writing there; wait for it to end") from None
    finally:
        os.close(descriptor)


def _write_batch(data: Path, name: str, intake: Intake, *, caps: Caps, today: str) -> int:
    sequence = max((batch.sequence for batch in list_batches(data)), default=0) + 1
    with replacing(data / name) as folder:
        folder.mkdir()
        groups = list(_split(intake.new))
        rows: list[dict[str, object]] = []
        for number, entries in enumerate(track(groups, "writing shards")):
            rows += _write_shard(folder, f"shard-{number:04d}.zip", entries, intake=intake, caps=caps)
        index = pd.DataFrame(rows, columns=INDEX_SCHEMA.names).assign(batch=name, sequence=sequence)
        index["first_seen"] = index["first_seen"].replace("", today)
        intake.refused.sort(key=lambda item: (item.source, item.path, item.reason))
        quarantine = pd.DataFrame([vars(item) for item in intake.refused], columns=QUARANTINE_SCHEMA.names)
        write_typed(folder / "index.parquet", index, INDEX_SCHEMA)
        write_typed(folder / "quarantine.parquet", quarantine, QUARANTINE_SCHEMA)
    return len(groups)


def _split(entries: list[Entry]) -> Iterator[list[Entry]]:
    # A shard holds one source, so that a source can be left out or forgotten without touching another.
    shard: list[Entry] = []
    size = 0
    for entry in entries:
        if shard and (size + entry.bytes > SHARD_BYTES or shard[0].found.source != entry.found.source):
            yield shard
            shard, size = [], 0
        shard.append(entry)
        size += entry.bytes
    if shard:
        yield shard


def _write_shard(
    folder: Path, name: str, entries: list[Entry], *, intake: Intake, caps: Caps
) -> list[dict[str, object]]:
    rows = []
    with ShardWriter(folder / name) as shard:
        for entry in entries:
            try:
                content = read_capped(entry.found, caps)
            except DataError as error:
                intake.refuse([entry], str(error))
                continue
            if hashlib.sha256(content).hexdigest() != entry.sha256:
                intake.refuse([entry], "changed while it was read")
                continue
            shard.write(entry.member, content)
            mask = _mask(entry, intake, caps)
            if mask is not None:
                shard.write(f"{entry.sha256}.mask.png", mask)
            rows.append(_row(entry, name, intake, masked=mask is not None))
    return rows


def _mask(entry: Entry, intake: Intake, caps: Caps) -> bytes | None:
    try:
        return read_mask(entry, caps)
    except DataError as error:
        intake.sidecars[entry.found.source.name].notes.append(f"{error}; this mask is left out")
        return None


def _row(entry: Entry, shard: str, intake: Intake, *, masked: bool) -> dict[str, object]:
    found, sidecars = entry.found, intake.sidecars[entry.found.source.name]
    real = sidecars.real_of.get(found.path, "")
    return {
        "key": f"{shard}/{entry.member}",
        "raw_sha256": entry.sha256,
        "source": found.source.name,
        "label": found.label,
        "generator": found.generator,
        "path": found.path,
        "first_seen": sidecars.first_seen.get(found.path, ""),
        "clip": sidecars.clip.get(found.path, ""),
        "group_hint": sidecars.group.get(found.path, ""),
        "pair_sha256": intake.sha_of.get((found.source.name, real), ""),
        "mask_key": f"{shard}/{entry.sha256}.mask.png" if masked else "",
        "landmarks": sidecars.landmarks.get(found.path),
        "attributes": sidecars.attributes_json(found.path),
        "bytes": entry.bytes,
    }


def _mention_sample(data: Path) -> None:
    sources = {name for batch in list_batches(data) for name in read_index(batch, ["source"])["source"].unique()}
    own = sorted(sources - {SAMPLE_SOURCE})
    if own and SAMPLE_SOURCE in sources:
        listed = ", ".join(own)
        say(f"note: the drawn sample stands beside your own pictures; leave it out with assemble.sources: [{listed}]")
