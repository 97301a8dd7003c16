"""champion/: the model that training goes on from, as the loop lays it there; in git it is empty."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from unmask.config import WarmStart
from unmask.data.manifest import read_manifest
from unmask.data.tables import read_table
from unmask.errors import ConfigError, DataError
from unmask.files import read_json, write_json
from unmask.strict import read_dataclass

FOLDER = Path("champion")
DESCRIPTION = "champion.json"
MODELS = "models"  # under DVC: a folder for each of NAMES, and TRAINED
NAMES = ("teacher", "student")
TRAINED = "trained.parquet"
HASH = "raw_sha256"
REMEDY = "start afresh: `warm_start.weights: none` in params.yaml, or `python -m flows.retrain --no-warm-start`"


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


def find_champion(settings: WarmStart, folder: Path | None, dataset: Path) -> Champion | None:
    """The champion in FOLDER to go on from with DATASET; None where training starts afresh.

    Raises:
        ConfigError: a setting is out of range.
        DataError: the champion is damaged, or was trained on pictures that validate or test now, on which its
            descendants would look better than they are.
    """
    _check(settings)
    champion = read_champion(folder) if folder and settings.weights == "champion" else None
    if champion is None or folder is None:
        return None
    rows = read_manifest(dataset / "manifest.parquet", columns=[HASH, "split"])
    judging = set(rows.loc[rows["split"].isin(["val", "test"]), HASH])
    if known := judging & trained_pictures(folder):
        raise DataError(
            f"{folder}: {len(known):,} of {len(judging):,} validation and test pictures trained {champion.version}, "
            f"{min(known)[:12]} the first, so figures on them would flatter; {REMEDY}"
        )
    return champion


def _check(settings: WarmStart) -> None:
    if settings.weights not in {"champion", "none"}:
        raise ConfigError(f"params.yaml: warm_start.weights: {settings.weights!r} is neither champion nor none")
    for name in ("epochs", "rate"):
        if not 0 < getattr(settings, name) <= 1:
            raise ConfigError(f"params.yaml: warm_start.{name}: must lie above 0 and at most at 1")
    if not 0 <= settings.replay <= 1:
        raise ConfigError("params.yaml: warm_start.replay: must lie within 0 and 1")
    if settings.repeats < 1:
        raise ConfigError("params.yaml: warm_start.repeats: must be 1 or more")
