"""The tiers as files: JSON for programs, CSV for `dvc plots` and spreadsheets."""

from pathlib import Path
from typing import Any

import pandas as pd

from unmask.data.tables import write_table
from unmask.evaluation.record import write_csv
from unmask.evaluation.tiers.measure import METRICS, Row
from unmask.evaluation.tiers.run import Tiered
from unmask.evaluation.tiers.table import SWEEPS
from unmask.files import write_json

SHARED = ("name", "sweep", "x", "n_real", "n_fake", "missing")
ENDS = {"": "value", "_low": "low", "_high": "high"}


def write_tiers(folder: Path, tiered: Tiered) -> None:
    """Write tiers.json, tiers.csv, sweep-NAME.csv, tier_scores.parquet and tiers_missing.csv into FOLDER."""
    write_json(folder / "tiers.json", {name: list(rows) for name, rows in tiered.rows.items()})
    write_table(folder / "tier_scores.parquet", tiered.scores)
    tables = {"tiers.csv": flat_table(tiered), "tiers_missing.csv": tiered.missing}
    # `dvc plots` picks columns and not rows, so each curve has a file, empty where nothing was swept.
    tables |= {f"sweep-{name}.csv": curve_table(tiered, name) for name in SWEEPS}
    for name, table in tables.items():
        write_csv(folder / name, table)


def flat_table(tiered: Tiered) -> pd.DataFrame:
    """One line a degradation; of each candidate and metric the value, and its interval as `_low` and `_high`."""
    lines: dict[str, dict[str, Any]] = {}
    for candidate, rows in tiered.rows.items():
        for row in rows:
            line = lines.setdefault(row["name"], {key: row[key] for key in SHARED})
            line |= {f"{candidate}_{key}": value for key, value in _numbers(row).items()}
    return pd.DataFrame(lines.values())


def curve_table(tiered: Tiered, sweep: str) -> pd.DataFrame:
    """The packaged candidate's numbers along a sweep, by strength `x`."""
    packaged = next(iter(tiered.rows.values()))
    columns = ["x", *(f"{metric}{end}" for metric in METRICS for end in ENDS)]
    return pd.DataFrame(
        [{"x": row["x"], **_numbers(row)} for row in packaged if row["sweep"] == sweep], columns=columns
    )


def _numbers(row: Row) -> dict[str, float | None]:
    return {f"{metric}{end}": row[metric][key] for metric in METRICS for end, key in ENDS.items()}
