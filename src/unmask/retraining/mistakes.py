"""regression.csv as the loop adds to it."""

import io
from pathlib import Path

import pandas as pd

from unmask.errors import DataError
from unmask.evaluation.regression import COLUMNS, read_regression
from unmask.files import replacing

REGRESSION = "regression.csv"


def parse_mistakes(text: str, *, where: str) -> pd.DataFrame:
    """Rows of a regression.csv of another commit.

    Raises:
        DataError: it is no such table.
    """
    try:
        return pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False).reindex(columns=COLUMNS, fill_value="")
    except ValueError as error:
        raise DataError(f"{where}: can't be read as CSV ({error})") from None


def add_mistakes(path: Path, rows: pd.DataFrame) -> int:
    """Add the ROWS (sha256, label, note) whose file PATH does not list yet; returns how many.

    Raises:
        DataError: PATH is damaged.
    """
    listed = read_regression(path)
    new = rows[~rows["sha256"].isin(listed["sha256"])].drop_duplicates("sha256")
    if len(new) or not path.is_file():
        with replacing(path) as temporary:
            pd.concat([listed, new], ignore_index=True).to_csv(temporary, index=False, columns=COLUMNS)
    return len(new)
