"""Take pictures and clips into data/ as one new batch; earlier batches are never touched."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from unmask.console import say, track
from unmask.data.batches import INDEX_SCHEMA, QUARANTINE_SCHEMA, list_batches, read_index
from unmask.data.decode import pillow_quiet
from unmask.data.examine import Caps, Entry, Mask, read_mask
from unmask.data.forecast import forecast
from unmask.data.intake import Intake, settle, take_stock
from unmask.data.lock import only_writer
from unmask.data.manifest import LABELS, SAMPLE_SOURCE
from unmask.data.shards import SHARD_BYTES, ShardWriter
from unmask.data.sources.layout import plain_text
from unmask.data.tables import write_typed
from unmask.errors import DataError, ResourceError
from unmask.files import replacing

_BATCH_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def ingest(
    where: Path | str,
    data: Path,
    *,
    today: str,
    layout: str | None = None,
    source: str | None = None,
    batch: str | None = None,
    caps: Caps | None = None,
    dry_run: bool = False,
) -> str:
    """Read WHERE (a folder, a list, or a URL of either) and write one batch below DATA; returns the summary line.

    `today` (ISO date) names the batch, with a counter, where `batch` is None, and dates pictures without first_seen.
    Files that any batch holds already, or that were forgotten, are left out, so a second run does nothing. What can't
    be used goes to quarantine.parquet with a reason. A killed run leaves no batch; the next one writes it.

    Raises:
        DataError: WHERE has no known layout, a list can't be parsed, nothing is usable, or the batch exists.
    """
    caps = caps or Caps()
    with pillow_quiet():
        intake = take_stock(where, data, layout=layout, source=source, caps=caps)
    if dry_run:
        for line in forecast(intake):
            say(line)
    if not intake.new:
        return _nothing_new(where, intake)
    if dry_run:
        return _with_notes(intake, f"would take {_summary(intake)}; nothing written")
    data.mkdir(parents=True, exist_ok=True)
    with only_writer(data):
        settle(intake, data)
        if not intake.new:
            return _nothing_new(where, intake)
        name = _batch_name(data, batch, today)
        shards = _write_batch(data, name, intake, caps=caps, today=today)
    _mention_sample(data)
    into = f"into {data / name} ({shards} shard{'s' * (shards != 1)})"
    return _with_notes(intake, f"{_summary(intake)}, {into}")


def _nothing_new(where: Path | str, intake: Intake) -> str:
    if not intake.known and not intake.forgotten:
        first = f"; first: {intake.refused[0].path}: {intake.refused[0].reason}" if intake.refused else ""
        raise DataError(
            f"{where}: no usable picture among {len(intake.refused)} files{first}; expected {intake.expects}"
        )
    return _with_notes(
        intake, f"nothing new, {intake.known:,} known already, {len(intake.refused):,} unusable{_forgotten(intake)}"
    )


def _summary(intake: Intake) -> str:
    labels = Counter(entry.found.label for entry in intake.new)
    kinds = ", ".join(f"{labels[label]:,} {label}" for label in LABELS if labels[label])
    clips = sum(entry.moving for entry in intake.new)
    what = f"{len(intake.new):,} pictures" if not clips else f"{len(intake.new) - clips:,} pictures and {clips:,} clips"
    others = f"{intake.known:,} known or repeated, {len(intake.refused):,} quarantined{_forgotten(intake)}"
    return f"{what} ({kinds}), {others}"


def _forgotten(intake: Intake) -> str:
    return f", {intake.forgotten:,} left out because they were forgotten" if intake.forgotten else ""


def _with_notes(intake: Intake, summary: str) -> str:
    for line in intake.notes:
        say(f"note: {plain_text(line)}")
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
                content = intake.tree.read(entry.found.file, max_megabytes=caps.megabytes)
            except DataError as error:
                intake.refuse([entry], str(error))
                continue
            if hashlib.sha256(content).hexdigest() != entry.sha256:
                intake.refuse([entry], "changed while it was read")
                continue
            shard.write(entry.member, content)
            mask = _mask(entry, intake, caps)
            if mask is not None:
                shard.write(_mask_name(entry, mask), mask.data)
            rows.append(_row(entry, name, intake, mask))
    return rows


def _mask(entry: Entry, intake: Intake, caps: Caps) -> Mask | None:
    try:
        return read_mask(entry, intake.tree, caps)
    except ResourceError:
        raise
    except DataError as error:
        intake.notes.append(f"{error}; this mask is left out")
        return None


def _mask_name(entry: Entry, mask: Mask) -> str:
    return f"{entry.sha256}.mask.{mask.suffix}"


def _row(entry: Entry, shard: str, intake: Intake, mask: Mask | None) -> dict[str, object]:
    found = entry.found
    text = {
        "key": f"{shard}/{entry.member}",
        "raw_sha256": entry.sha256,
        "source": found.source,
        "label": found.label,
        "generator": found.generator,
        "path": found.path,
        "first_seen": found.first_seen,
        "clip": entry.clip,
        "group_hint": found.group,
        "pair_sha256": intake.sha_of.get(found.pair, ""),
        "mask_key": f"{shard}/{_mask_name(entry, mask)}" if mask is not None else "",
        "attributes": found.attributes_json,
    }
    plain = {column: plain_text(value) for column, value in text.items()}
    return {**plain, "landmarks": found.landmarks, "bytes": entry.bytes}


def _mention_sample(data: Path) -> None:
    sources = {name for batch in list_batches(data) for name in read_index(batch, ["source"])["source"].unique()}
    own = sorted(sources - {SAMPLE_SOURCE})
    if own and SAMPLE_SOURCE in sources:
        listed = ", ".join(own)
        say(f"note: the drawn sample stands beside your own pictures; leave it out with assemble.sources: [{listed}]")
