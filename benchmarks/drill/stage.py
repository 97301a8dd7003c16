"""The drill's stage: a clone of the project with a state folder of its own, so that nothing of the user's changes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from dvc.config import Config
from dvc.repo import Repo

from unmask.data.audit.growth import write_version
from unmask.dvc_process import dvc_command, repro_command, run_dvc
from unmask.git import Identity, git
from unmask.monitoring.reference import BUILT, keep_reference
from unmask.registry.promotion import promote
from unmask.registry.tags import register
from unmask.serving.bundle import BUNDLE, load_bundle

AUTHOR = Identity("drill", "drill@localhost")
STATE = Path("var")  # below the clone, as serving.state says
BASELINE = Path("data.baseline.json")
Log = Callable[[str], None]


@dataclass(frozen=True)
class Stage:
    """The clone, and the champion that serves when the drill begins."""

    root: Path
    champion: str

    @property
    def state(self) -> Path:
        """Where the service and the loop of this clone keep what is theirs."""
        return self.root / STATE

    def bundle(self, model: str) -> Path:
        """The bundle of a model that was promoted here."""
        return self.state / "bundles" / model


def clone(project: Path, folder: Path, log: Log, *, with_data: bool = True) -> Path:
    """Clone PROJECT's HEAD into FOLDER, without its tags and branches; returns the clone.

    WITH_DATA its DVC cache is PROJECT's. Without, it is an empty one in FOLDER, so that nothing that is taken in
    outlives the folder.

    Raises:
        GitError: it is no git repository.
        DvcError: neither the cache nor the sample's remote has the data.
    """
    root = folder / "project"
    head = git(project, "rev-parse", "HEAD")
    git(project, "clone", "--quiet", "--no-tags", "--no-checkout", str(project.resolve()), str(root))
    git(root, "checkout", "--quiet", "-B", "drill", head)
    git(root, "config", "user.name", AUTHOR.name)
    git(root, "config", "user.email", AUTHOR.email)
    with Config(str(root / ".dvc")).edit("local") as local:
        local["cache"] = {"dir": _cache_of(project) if with_data else str(folder / "cache")}
    log(f"the stage is {root}, a clone of {head[:8]}")
    if with_data:
        run_dvc(dvc_command("checkout", "--allow-missing"), root=root, on_line=lambda _: None)
        if not (root / "data").is_dir():
            run_dvc(dvc_command("pull", "-r", "sample", "data.dvc"), root=root, on_line=log)
    return root


def change_params(root: Path, changes: dict[str, dict[str, Any]]) -> None:
    """Set keys of sections of the clone's params.yaml."""
    path = root / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    for section, values in changes.items():
        params[section] |= values
    path.write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")


def replace_data(root: Path, replace: Callable[[Path], str], log: Log) -> None:
    """Let REPLACE make the clone's data/ anew; commits are left to `stage_champion`."""
    log(replace(root / "data"))
    write_version(root / BASELINE, {})  # the accepted one is of the data that went
    run_dvc(dvc_command("add", "--quiet", "data"), root=root, on_line=log)


def stage_champion(root: Path, log: Log) -> Stage:
    """Bring the pipeline of the clone up to date, and let its model be the first version in prod.

    Raises:
        DvcError: a stage fails.
    """
    log("bringing the champion's pipeline up to date; minutes if it has to train, seconds if the cache has it")
    run_dvc(repro_command(), root=root, on_line=log)
    git(root, "add", "--all")
    if git(root, "status", "--porcelain"):
        git(root, "commit", "--quiet", "--message", "The drill's champion")
    state, model = root / STATE, load_bundle(root / BUNDLE).version
    if (root / BUILT).is_file():
        keep_reference(state, built=root / BUILT)
    name = register(root, git(root, "rev-parse", "HEAD"), model=model, reason="the drill's champion", identity=AUTHOR)
    promote(root, state, name, stage="prod", reason="the drill's champion", identity=AUTHOR)
    log(f"the champion is {name}, model {model}")
    return Stage(root, model)


def _cache_of(project: Path) -> str:
    with Repo(str(project)) as repo:
        return str(repo.cache.local_cache_dir)
