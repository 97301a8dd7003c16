"""A decision as a table for a terminal or a log."""

from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from unmask.evaluation.comparison.compare import Decision
from unmask.evaluation.comparison.rule import Check

PLAIN_WIDTH = 180  # columns where nobody's terminal says how many there are


def show_decision(decision: Decision, console: Console | None = None) -> None:
    """Print the checks to standard output, failed ones first, then remarks and the verdict."""
    target = console or Console()
    if not target.is_terminal:
        target = Console(file=target.file, width=PLAIN_WIDTH)
    for line in _lines(decision):
        target.print(Text(line))
    target.print(_table(decision))
    for note in decision.notes:
        target.print(Text(note))


def summary(decision: Decision) -> str:
    """One line: the verdict and how many checks failed."""
    failed = sum(not check.passed for check in decision.checks)
    told = (
        f"{failed} of {len(decision.checks)} checks failed" if failed else f"all {len(decision.checks)} checks passed"
    )
    return f"{decision.verdict}, {told} on {decision.rows:,} shared test rows"


def _lines(decision: Decision) -> Iterator[str]:
    yield f"champion    {decision.champion}"
    yield f"challenger  {decision.challenger}"
    yield f"asked for   {decision.trigger or 'better overall'}"


def _table(decision: Decision) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("", "check", "figure", "interval", "must be", "why"):
        table.add_column(name, no_wrap=name in {"", "figure", "interval", "must be"})
    for check in sorted(decision.checks, key=lambda check: check.passed):
        # Text, because names come from data and may look like markup.
        table.add_row(*(Text(cell) for cell in _cells(check)), style="" if check.passed else "bold")
    return table


def _cells(check: Check) -> Iterator[str]:
    yield "ok" if check.passed else "FAILED"
    yield check.name
    yield _plain(check.figure)
    yield f"{_plain(check.interval[0])} to {_plain(check.interval[1])}" if check.interval else ""
    yield f"{check.relation} {check.bound:g}"
    yield check.reason


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if abs(value) < 1 else f"{value:.1f}"
