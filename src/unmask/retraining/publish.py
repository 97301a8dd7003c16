"""What follows a challenger that won: a version, its stages, and what is pushed, merged and kept."""

from pathlib import Path

from unmask.dvc_process import dvc_command, run_dvc
from unmask.errors import DataError
from unmask.git import GitError, commit_of, git
from unmask.monitoring.reference import BUILT, keep_reference
from unmask.registry.promotion import champion, promote
from unmask.registry.tags import register
from unmask.retraining.challenge import Challenge
from unmask.retraining.settings import TREE, RetrainSettings
from unmask.retraining.tree import Log


def stage_challenger(root: Path, state: Path, won: Challenge, settings: RetrainSettings) -> str:
    """Register the challenger and put it into staging; returns its version.

    Raises:
        DataError: DVC lost its bundle.
    """
    identity, why = settings.author.identity, won.summary
    name = register(root, won.commit, model=won.model, reason=why, identity=identity)
    return promote(root, state, name, stage="staging", reason=why, identity=identity).name


def promote_challenger(root: Path, state: Path, name: str, won: Challenge, settings: RetrainSettings) -> str:
    """Put the challenger into prod, from which the services take it; returns the summary.

    Raises:
        DataError: another version came into prod since they were compared.
    """
    holder = champion(root)
    if holder and holder.name not in {name, won.champion.name if won.champion else ""}:
        raise DataError(f"{holder.name} came into prod meanwhile; {name} was held against another and stays in staging")
    built = state / TREE / BUILT
    if built.is_file():
        keep_reference(state, built=built)
    version = promote(root, state, name, stage="prod", reason=won.summary, identity=settings.author.identity)
    return f"{version.name}, model {version.model}, is in prod"


def share(root: Path, state: Path, settings: RetrainSettings, *, log: Log, lock: int) -> None:
    """Push branch, tags and DVC's outputs, and merge, each where the settings ask for it.

    Raises:
        GitError, DvcError: a remote refuses.
    """
    if settings.push:
        run_dvc(dvc_command("push"), root=state / TREE, on_line=log, holding=[lock])
        git(root, "push", "--quiet", settings.push, f"refs/heads/{settings.branch}", "--tags")
    if settings.merge:
        log(_merge(root, settings.branch))


def _merge(root: Path, branch: str) -> str:
    if git(root, "status", "--porcelain", "--untracked-files=no"):
        return f"{branch} is not merged: the workspace has changes that are not committed"
    try:
        git(root, "merge", "--quiet", "--ff-only", branch)
    except GitError as error:
        return f"{branch} is not merged: {error}"
    return f"{branch} is merged ({commit_of(root, 'HEAD')}); run `dvc checkout`"
