"""What the challenger starts from: the champion's weights in the worktree's champion/, or an empty one."""

import shutil
import tempfile
from pathlib import Path

import pandas as pd
from dvc.api import DVCFileSystem
from dvc.repo import Repo

from unmask.config import load_config
from unmask.data.forgotten import read_forgotten
from unmask.data.manifest import read_manifest
from unmask.data.tables import write_table
from unmask.git import Identity
from unmask.models.detector import DESCRIPTION, WEIGHTS
from unmask.registry.tags import Version
from unmask.retraining.tree import Log, Tree, commit, dvc_errors
from unmask.training import champion

MANIFEST = "build/dataset/manifest.parquet"


def lay_start(tree: Tree, holder: Version | None, *, identity: Identity, log: Log) -> str:
    """Let the challenger in TREE go on from HOLDER, or start afresh for None; returns the last commit.

    It starts afresh, too, where `warm_start.weights` in params.yaml says none, and where HOLDER or a model that it came
    from was trained on pictures that were forgotten since.

    Raises:
        DataError: HOLDER's weights are neither in DVC's cache nor in a remote, or are damaged.
    """
    folder = tree.folder / champion.FOLDER
    asked = holder if load_config(tree.folder).warm_start.weights == "champion" else None
    shutil.rmtree(folder, ignore_errors=True)
    kept = asked if asked and _fetch(tree, asked, folder, log) else None
    if kept:
        with dvc_errors(str(champion.FOLDER)), Repo(str(tree.folder)) as repo:
            repo.add(str(folder / champion.MODELS))
    else:
        shutil.rmtree(folder, ignore_errors=True)
    said = champion.Champion(kept.name, kept.model, kept.commit) if kept else champion.NONE
    champion.write_champion(folder, said)
    begun = f"goes on from {kept.name}" if kept else "starts afresh"
    log(f"the challenger {begun}")
    return commit(tree, f"Start: the challenger {begun}", identity)


def _fetch(tree: Tree, version: Version, folder: Path, log: Log) -> bool:
    """Bring the weights of VERSION and the list of what trained it into FOLDER; False where they must not be used."""
    models = folder / champion.MODELS
    with dvc_errors(f"{version.name}: its weights, which `--no-warm-start` does without"):
        files = DVCFileSystem(str(tree.folder), rev=version.commit)
        for name in champion.NAMES:
            (models / name).mkdir(parents=True)
            for file in (WEIGHTS, DESCRIPTION):
                files.get(f"build/{name}/{file}", str(models / name / file))
        trained = _trained(files, folder)
    if gone := trained & read_forgotten(tree.data):
        log(f"{version.name} was trained on {len(gone)} pictures that were forgotten since")
    write_table(models / champion.TRAINED, pd.DataFrame({champion.HASH: sorted(trained)}))
    return not gone


def _trained(files: DVCFileSystem, folder: Path) -> set[str]:
    """SHA-256 of what trained the champion of FILES, with what trained the one that it came from."""
    with tempfile.TemporaryDirectory() as scratch:
        files.get(MANIFEST, str(Path(scratch) / "manifest.parquet"))
        rows = read_manifest(Path(scratch) / "manifest.parquet", columns=[champion.HASH, "split"])
    own = set(rows.loc[rows["split"] == "train", champion.HASH])
    earlier = champion.FOLDER / champion.MODELS / champion.TRAINED
    if not files.exists(str(earlier)):
        return own
    files.get(str(earlier), str(folder / champion.MODELS / champion.TRAINED))
    return own | champion.trained_pictures(folder)
