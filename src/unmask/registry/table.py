"""The registry as tables for a terminal or a log."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from unmask.registry.facts import facts_of
from unmask.registry.promotion import stack
from unmask.registry.tags import STAGES, assignments, versions
from unmask.serving.promoted import read_pointer

PLAIN_WIDTH = 180  # columns where nobody's terminal says how many there are
HEADLINE = {"AUC, seen": "auc_seen", "AUC, unseen": "auc_unseen", "reals called fake": "fpr_real"}
HASH_DIGITS = 8


def show_versions(root: Path, state: Path, console: Console | None = None) -> str:
    """Print a row a version, the newest first; returns the summary.

    Raises:
        DataError: ROOT is no git repository, or the service's pointer is damaged.
    """
    holders = {stage: stack(root, stage)[-1:] for stage in STAGES}
    pointer, known = read_pointer(state), versions(root)
    rows = []
    for version in known:
        facts = facts_of(root, version)
        stages = ", ".join(stage for stage in STAGES if holders[stage] == [version.name])
        numbers = [_number(facts.numbers.get(key)) for key in HEADLINE.values()]
        identity = (version.name, stages, version.model, facts.data_md5[:HASH_DIGITS], version.commit[:HASH_DIGITS])
        rows.append((*identity, *numbers, f"{version.time:%Y-%m-%d %H:%M}", version.reason))
    print_table(("version", "stage", "model", "data", "revision", *HEADLINE, "registered, UTC", "why"), rows, console)
    served = next((version.name for version in known if pointer and version.model == pointer.version), "")
    answers = _served(pointer.version if pointer else "", served, holders["prod"])
    return f"{len(known)} version{'s' * (len(known) != 1)}; {answers}"


def show_history(root: Path, console: Console | None = None) -> str:
    """Print every assignment of a stage, the newest first; returns the summary.

    Raises:
        DataError: ROOT is no git repository.
    """
    found = assignments(root)
    rows = [(f"{one.time:%Y-%m-%d %H:%M:%S}", one.stage, one.version, one.reason) for one in reversed(found)]
    print_table(("UTC", "stage", "version", "why"), rows, console)
    return f"{len(found)} assignment{'s' * (len(found) != 1)}"


def _served(model: str, name: str, prod: list[str]) -> str:
    if not model:
        return "nothing is promoted for the service"
    if [name] == prod:
        return f"the service answers with {name}"
    return (
        f"the service answers with {name or f'the unregistered model {model}'}, not with {prod[0] if prod else 'prod'}"
    )


def _number(entry: Mapping[str, Any] | None) -> str:
    if not entry or entry.get("value") is None:
        return ""
    return f"{entry['value']:.3f} ({entry['low']:.3f} to {entry['high']:.3f})"


def print_table(
    heads: Iterable[str], rows: Iterable[Iterable[str]], console: Console | None, *, no_wrap: bool = False
) -> None:
    """Print rows under their heads; where nobody's terminal says how wide it is, in PLAIN_WIDTH columns."""
    target = console or Console()
    if not target.is_terminal:
        target = Console(file=target.file, width=PLAIN_WIDTH)
    table = Table(box=box.SIMPLE, pad_edge=False)
    for head in heads:
        table.add_column(head, no_wrap=no_wrap)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    target.print(table)
