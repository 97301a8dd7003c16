"""What the experiments of a protocol found, as one table: nothing is computed here, only gathered."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from unmask.errors import DataError
from unmask.evaluation.comparison.sides import OWN_REFERENCE
from unmask.protocols.experiments import Experiment

GENERATORS, METRICS = "build/evaluation/generators.json", "build/metrics.json"
CANDIDATES = ("student", "teacher")
_ENDS = ("value", "low", "high")
_HEADS = {
    "auc": "AUC",
    "shortcut_auc": "shortcut AUC",
    "recall": "fakes found",
    "auc_seen": "AUC, seen generators",
    "fpr_real": "reals called fake",
}
_SHARES = frozenset({"recall", "fpr_real"})


def gather(experiments: Sequence[Experiment], root: Path) -> pd.DataFrame:
    """One row for each experiment, source, tested generator and candidate, with intervals and row counts.

    `auc` and `recall` are of the tested generator's fakes among the test rows, against the test reals of `reference`;
    `auc_seen` of the generators that trained. `shortcut_auc` is the audit's, of file statistics alone: out of fold over
    all labelled rows, so of more rows than those beside it. A number is empty where the rows can't bear one.

    Raises:
        DataError: an experiment has no such results.
    """
    rows = [row for experiment in experiments for row in _rows(experiment, root)]
    return pd.DataFrame(rows)


def as_markdown(table: pd.DataFrame, *, confidence: float) -> str:
    """The table for a person: numbers with their rows and their intervals, which hold with CONFIDENCE."""
    timed = bool(table["until"].ne("").any())
    head = [*(["trained up to"] if timed else []), "tested on", "model", "real", "fake", *_HEADS.values()]
    lines = [head, ["---"] * len(head)]
    for row in table.to_dict("records"):
        tested = _tested(row).replace("|", "\\|")
        counts = ["" if pd.isna(row[name]) else f"{row[name]:.0f}" for name in ("n_real", "n_fake")]
        lines.append([*([row["until"]] if timed else []), tested, row["candidate"], *counts, *_cells(row)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{_note(confidence)}\n"


def _rows(experiment: Experiment, root: Path) -> Iterator[dict[str, Any]]:
    generators, metrics = _results(experiment.name, root)
    fold = experiment.fold
    for name in fold.tested:
        # A generator without any test row still has its line: where it went must not be a riddle.
        of_it = [row for row in generators if row["generator"] == name] or [{"generator": name}]
        for row in of_it:
            for candidate in CANDIDATES:
                yield {
                    "experiment": experiment.name,
                    "until": fold.until.isoformat() if fold.until else "",
                    "source": row.get("source", ""),
                    "generator": name,
                    "candidate": candidate,
                    "reference": row.get("reference", ""),
                    "n_real": row.get("n_real"),
                    "n_fake": row.get("n_fake"),
                    **_flat(row.get(candidate) or {}, ("auc", "recall")),
                    "shortcut_auc": row.get("shortcut_auc"),
                    **_flat(metrics.get(candidate, {}), ("auc_seen", "fpr_real")),
                }


def _flat(numbers: Mapping[str, Mapping[str, Any]], names: Sequence[str]) -> dict[str, float | None]:
    return {
        name if end == "value" else f"{name}_{end}": numbers.get(name, {}).get(end) for name in names for end in _ENDS
    }


def _note(confidence: float) -> str:
    return (
        f"In brackets {100 * confidence:g} % intervals over resampled groups of test rows. "
        "Shortcut AUC: file statistics alone, out of fold over all labelled rows."
    )


def _tested(row: Mapping[Any, Any]) -> str:
    if not row["source"]:
        return f"{row['generator']} (no test row)"
    reals = f" (reals of {row['reference']})" if row["reference"] != OWN_REFERENCE else ""
    return f"{row['source']}/{row['generator']}{reals}"


def _cells(row: Mapping[Any, Any]) -> list[str]:
    cells = []
    for name in _HEADS:
        style = ".1%" if name in _SHARES else ".3f"
        value, low, high = (row.get(key) for key in (name, f"{name}_low", f"{name}_high"))
        shown = "" if pd.isna(value) else format(value, style)
        cells.append(shown if pd.isna(low) else f"{shown} ({format(low, style)} to {format(high, style)})")
    return cells


def _results(name: str, root: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException

    try:
        files = DVCFileSystem(str(root), rev=name)
        generators, metrics = (json.loads(files.read_text(path)) for path in (GENERATORS, METRICS))
    except (DvcException, OSError, ValueError) as error:
        raise DataError(
            f"experiment {name}: its results can't be read ({error}); `dvc exp remove {name}`, then run it again"
        ) from None
    return generators, metrics
