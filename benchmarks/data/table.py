"""The table that a benchmark prints."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One ratio: what was compared, both figures, their ratio, what it should reach, and under which conditions."""

    what: str
    ours: str
    peer: str
    ratio: float | None
    aim: str
    note: str


def as_markdown(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    head = ("ours / peer", "ours", "peer", "ratio", "aim", "under")
    body = [
        (row.what, row.ours, row.peer, "" if row.ratio is None else f"{row.ratio:.3g}", row.aim, row.note)
        for row in rows
    ]
    lines = [head, ("---",) * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
