"""The headline metrics as lines: `python -m unmask.evaluation.headline` shows them after a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unmask.console import run_as_program, say
from unmask.files import read_json

REPORT = Path("build/evaluation/report.html")
METRICS = Path("build/metrics.json")
TITLES = {
    "auc_seen": "AUC, seen generators",
    "auc_unseen": "AUC, unseen generators",
    "fpr_real": "reals called fake",
    "recall_seen": "fakes found, seen",
    "recall_unseen": "fakes found, unseen",
    "attribute_auc": "AUC, attributes of fakes",
    "pointing_hit": "map hits the forgery",
    "pointing_chance": "a random place does",
    "pointing_centre": "the centre does",
}
SHARES = ("fpr_real", "recall_seen", "recall_unseen", "pointing_hit", "pointing_chance", "pointing_centre")


def headline_lines(metrics: Mapping[str, Any]) -> list[str]:
    """Lines for a person from what build/metrics.json holds: each number with its interval and its rows."""
    lines = [str(metrics["note"])] if metrics.get("note") else []
    for candidate in ("student", "teacher"):
        numbers = metrics.get(candidate, {})
        shown = [(title, key, numbers[key]) for key, title in TITLES.items() if key in numbers]
        lines += [f"{candidate}  {title:<26}{_number(key, number)}" for title, key, number in shown]
    for key, title in (("pooled", "AUC of file statistics"), ("with_chroma", "and noise of colour")):
        found = metrics.get("shortcut", {}).get(key)
        if found is not None:
            lines.append(f"shortcut {title:<26}{found:.3f}")
    return lines


def _number(key: str, number: Mapping[str, Any]) -> str:
    rows = f"{number['n_real']} real, {number['n_fake']} fake"
    if number["value"] is None:
        return f"unknown ({number.get('reason', 'too few rows')}; {rows})"
    value, low, high = (format(number[part], ".1%" if key in SHARES else ".3f") for part in ("value", "low", "high"))
    return f"{value}  ({low} to {high}; {rows})"


def main() -> str:
    """Print the headline metrics; returns where the report lies."""
    for line in headline_lines(read_json(METRICS)):
        say(line)
    return f"report in {REPORT}"


if __name__ == "__main__":
    run_as_program("headline", main)
