"""What the validate stage found, as the report shows it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unmask.console import plain_number
from unmask.data.audit.shortcut import POOLED
from unmask.errors import DataError
from unmask.files import read_json

MOST_NAMED = 5


@dataclass(frozen=True)
class Shortcut:
    """The shortcut audit: its rows by (source, generator), and the pooled AUC without and with the chroma residual."""

    rows: list[dict[str, Any]]
    pooled: float | None
    with_chroma: float | None


def read_shortcut(path: Path) -> Shortcut:
    """Read what the gate's audit found.

    Raises:
        DataError: the file is missing or is no shortcut audit.
    """
    rows = _rows(path, "rows", {"source", "generator", "reference", "auc", "auc_with_chroma"})
    pooled = next((row for row in rows if row["source"] == POOLED), {"auc": None, "auc_with_chroma": None})
    return Shortcut([row for row in rows if row["source"] != POOLED], pooled["auc"], pooled["auc_with_chroma"])


def soft_failures(path: Path) -> list[str]:
    """One sentence for each soft expectation that failed: what was asked, observed and allowed.

    Raises:
        DataError: the file is missing or is no validation result.
    """
    return [_sentence(row) for row in _rows(path, "soft", {"title"})]


def _rows(path: Path, key: str, needed: set[str]) -> list[dict[str, Any]]:
    value = read_json(path)
    rows = value.get(key) if isinstance(value, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and needed <= set(row) for row in rows):
        raise DataError(f"{path}: not what the validate stage writes; run `dvc repro validate`")
    return rows


def _sentence(row: dict[str, Any]) -> str:
    low, high = row.get("bounds") or (None, None)
    limits = [
        f"{word} {plain_number(bound)}" for word, bound in (("at least", low), ("at most", high)) if bound is not None
    ]
    seen = f"observed {plain_number(row['observed'])}" if row.get("observed") is not None else ""
    parts = [part for part in (seen, " and ".join(limits)) if part]
    told = f"{row['title']} ({', '.join(parts)})" if parts else str(row["title"])
    named = row.get("named") or []
    return f"{told}: {'; '.join(named[:MOST_NAMED])}{'; and others' * (len(named) > MOST_NAMED)}" if named else told
