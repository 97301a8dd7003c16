"""What an ingest would take, as lines of a table."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from unmask.data.intake import Intake

_HEADER = ("source", "label", "generator", "pictures", "clips", "bytes")
_REASONS = 20


def forecast(intake: Intake) -> Iterator[str]:
    """Lines: new files by source, label and generator with their numbers and size, then quarantine by reason."""
    counts: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for entry in intake.new:
        count = counts[entry.found.source, entry.found.label, entry.found.generator]
        count[entry.moving] += 1
        count[2] += entry.bytes
    rows = [
        (*names, f"{pictures:,}", f"{clips:,}", f"{size:,}")
        for names, (pictures, clips, size) in sorted(counts.items())
    ]
    if rows:
        yield from _aligned([_HEADER, *rows])
    reasons = Counter(item.reason for item in intake.refused).most_common()
    if reasons:
        yield "quarantine:"
    for reason, number in reasons[:_REASONS]:
        yield f"{number:9,}  {reason}"
    if len(reasons) > _REASONS:
        yield f"{sum(number for _, number in reasons[_REASONS:]):9,}  for {len(reasons) - _REASONS:,} other reasons"


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    for row in rows:
        cells = [
            cell.ljust(width) if column < 3 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
