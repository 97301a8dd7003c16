"""A commit's packaged model as a version."""

from pathlib import Path

from unmask.errors import DataError
from unmask.evaluation.comparison.revisions import OUTPUTS, evaluation_folder
from unmask.git import GitError, Identity, commit_of, git
from unmask.registry.tags import register
from unmask.serving.bundle import load_bundle


def register_revision(root: Path, revision: str, *, reason: str) -> str:
    """Register what DVC holds of REVISION's bundle; returns the summary.

    Raises:
        DataError: there is no such revision, or DVC has no whole bundle of it.
    """
    commit = commit_of(root, revision)
    if commit is None:
        raise DataError(f"{revision}: no revision of {root}")
    with evaluation_folder(commit, root) as evaluation:
        bundle = load_bundle(evaluation.parents[1] / OUTPUTS[1])
    name = register(root, commit, model=bundle.version, reason=reason, identity=own_identity(root))
    return f"{name} is model {bundle.version} of commit {commit[:8]}"


def own_identity(root: Path) -> Identity:
    """Whose git this is.

    Raises:
        DataError: git knows no name or address.
    """
    try:
        return Identity(git(root, "config", "user.name"), git(root, "config", "user.email"))
    except GitError:
        raise DataError(
            f'{root}: git knows no user; `git config user.name "..."` and `git config user.email "..."`'
        ) from None
