"""champion/: the model that training goes on from, as the loop lays it there; in git it is empty."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from unmask.data.tables import read_table
from unmask.errors import DataError
from unmask.files import read_json, write_json
from unmask.strict import read_dataclass

FOLDER = Path("champion")
DESCRIPTION = "champion.json"
MODELS = "models"  # under DVC: a folder for each of NAMES, and TRAINED
NAMES = ("teacher", "student")
TRAINED = "trained.parquet"
HASH = "raw_sha256"


@dataclass(frozen=True)
class Champion:
    """A registered version, its model's own version and the commit that made it; all "" where there is none."""

    version: str
    model: str
    commit: str


NONE = Champion("", "", "")


def read_champion(folder: Path) -> Champion | None:
    """The champion that lies in FOLDER; None where it says that there is none.

    Raises:
        DataError: the description is missing or damaged, or the models are not there.
    """
    path = folder / DESCRIPTION
    try:
        found = read_dataclass(Champion, read_json(path))
    except ValueError as error:
        raise DataError(f"{path}: {error}; take it back with `git checkout -- {path}`") from None
    if found == NONE:
        return None
    if not (folder / MODELS).is_dir():
        raise DataError(f"{folder / MODELS}: {found.version} is not there; `dvc pull {folder / MODELS}.dvc`")
    return found


def write_champion(folder: Path, champion: Champion) -> None:
    """Write the description."""
    write_json(folder / DESCRIPTION, dataclasses.asdict(champion))


def trained_pictures(folder: Path) -> set[str]:
    """SHA-256 of the files that trained FOLDER's champion, or a model that it came from.

    Raises:
        DataError: the list is missing or damaged.
    """
    return set(read_table(folder / MODELS / TRAINED, [HASH])[HASH])
