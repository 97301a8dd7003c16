"""The worktree in which the loop works: its own files and locks, this repository's history and DVC cache.

A worktree and not `dvc exp run --temp`: it has one place, so that a run that was killed finds its checkpoints and
finished stages again; its DVC locks are not the workspace's; and it leaves no experiment refs or stashes behind.

The loop's branch holds what it took in and trained. Code and settings are always those of the revision it starts from;
of the branch come the batches, the reported mistakes, dvc.lock and what the last challenger started from, so that
nothing ever has to be merged.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dvc.api import DVCFileSystem
from dvc.config import Config
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc_data.index import DataIndexDirError

from unmask.config import load_config
from unmask.data.batches import list_batches, read_index
from unmask.data.examine import Caps
from unmask.data.forget import Selection, forget
from unmask.data.forgotten import read_forgotten
from unmask.errors import DataError
from unmask.git import GitError, Identity, commit_of, git
from unmask.retraining.mistakes import REGRESSION, add_mistakes, parse_mistakes
from unmask.retraining.settings import TREE
from unmask.training.champion import FOLDER

POINTER = "data.dvc"
# Of the branch's last commit: what the pipeline itself writes and git keeps, and what it started from.
OF_THE_BRANCH = ("dvc.lock", "build", str(FOLDER))
Log = Callable[[str], None]


@dataclass(frozen=True)
class Tree:
    """The worktree's folder, the commit it starts from, and the loop's branch with its last commit, "" without one."""

    root: Path
    folder: Path
    base: str
    branch: str
    tip: str

    @property
    def data(self) -> Path:
        """The folder of the batches."""
        return self.folder / "data"

    @property
    def caps(self) -> Caps:
        """What its params.yaml allows a file that is taken in."""
        limits = load_config(self.folder).assemble
        return Caps(limits.max_megapixels, limits.max_megabytes, limits.max_clip_megabytes)


def open_tree(root: Path, state: Path, *, branch: str, remote: str) -> Tree:
    """Bring the worktree in STATE to ROOT's HEAD with what the loop's BRANCH holds; the caller holds the loop's lock.

    REMOTE is DVC's, for data that the cache lacks; "" is the default one.

    Raises:
        GitError: git refuses.
        DataError: HEAD has no data.dvc, the data is neither in the cache nor in the remote, or the branch is checked
            out somewhere.
    """
    folder = (state / TREE).resolve()
    base, tip = git(root, "rev-parse", "HEAD"), commit_of(root, f"refs/heads/{branch}") or ""
    _refuse_checked_out(root, branch)
    _worktree(root, folder, base)
    tree = Tree(root, folder, base, branch, tip)
    if not (folder / POINTER).is_file():
        raise DataError(f"{root}: HEAD has no {POINTER}; `dvc add data`, then commit it")
    _share_dvc(root, folder)
    _restore(tree, remote)
    if tip:
        _fetch_batches(tree)
        _honour_forgotten(tree)
        _keep_mistakes(tree)
    return tree


def commit(tree: Tree, message: str, identity: Identity) -> str:
    """Commit what is in the worktree, on top of the branch and the base; the last commit where nothing changed."""
    git(tree.folder, "add", "--all")
    content, head = git(tree.folder, "write-tree"), git(tree.folder, "rev-parse", "HEAD")
    parents = [head] if head != tree.base else [one for one in (tree.tip, tree.base) if one]
    if len(parents) == 2 and _is_ancestor(tree, parents[1], parents[0]):
        parents = parents[:1]
    if len(parents) == 1 and git(tree.folder, "rev-parse", f"{parents[0]}^{{tree}}") == content:
        made = parents[0]
    else:
        words = [word for parent in parents for word in ("-p", parent)]
        made = git(tree.folder, "commit-tree", content, *words, "-m", message, identity=identity)
    git(tree.folder, "reset", "--quiet", "--soft", made)
    return made


def move_branch(tree: Tree, made: str) -> None:
    """Let the loop's branch name MADE, unless somebody moved it meanwhile.

    Raises:
        GitError: somebody did.
    """
    git(tree.root, "update-ref", f"refs/heads/{tree.branch}", made, tree.tip or "0" * 40)


def _refuse_checked_out(root: Path, branch: str) -> None:
    if f"branch refs/heads/{branch}" in git(root, "worktree", "list", "--porcelain").splitlines():
        raise DataError(f"branch {branch} is checked out; it is the loop's own, so check out another one")


def _worktree(root: Path, folder: Path, base: str) -> None:
    git(root, "worktree", "prune")
    try:
        sound = Path(git(folder, "rev-parse", "--show-toplevel")) == folder
    except GitError:
        sound = False
    if not sound:  # there is none yet, or one that was killed while git made it
        shutil.rmtree(folder, ignore_errors=True)
        git(root, "worktree", "prune")
        git(root, "worktree", "add", "--force", "--detach", "--no-checkout", str(folder), base)
    Path(git(folder, "rev-parse", "--absolute-git-dir"), "index.lock").unlink(missing_ok=True)
    # Weights of an earlier run, whose .gitignore the clean-up below would take away, must not get into git.
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
    git(folder, "checkout", "--quiet", "--force", "--detach", base)
    git(folder, "clean", "--quiet", "--force", "-d")


def _share_dvc(root: Path, folder: Path) -> None:
    """Give the worktree ROOT's cache, and its remotes by their absolute places; drop the locks of a killed run."""
    with Repo(str(root)) as repo:
        cache, config = repo.cache.local_cache_dir, repo.config.read()
    with Config(str(folder / ".dvc")).edit("local") as local:
        local["remote"] = config.get("remote", {})
        # Whatever DVC writes is committed; it need not tell how.
        local["core"] = {**config.get("core", {}), "autostage": True}
        local["cache"] = {**config.get("cache", {}), "dir": cache}
    for name in ("lock", "rwlock", "rwlock.lock"):
        (folder / ".dvc/tmp" / name).unlink(missing_ok=True)


def _restore(tree: Tree, remote: str) -> None:
    """The base's data and, as far as the cache has them, the outputs that the branch's dvc.lock names."""
    kept = _listed(tree, *OF_THE_BRANCH) if tree.tip else []
    if kept:
        shutil.rmtree(tree.folder / FOLDER, ignore_errors=True)
        git(tree.folder, "checkout", "--quiet", tree.tip, "--", *kept)
    # Absolute, because DVC would look for others below the current folder.
    pointer, pipeline = (str(tree.folder / name) for name in (POINTER, "dvc.yaml"))
    with dvc_errors(f"{tree.base[:8]}: {POINTER}"), Repo(str(tree.folder)) as repo:
        try:
            repo.checkout(targets=[pointer], force=True)
        except DvcException:
            repo.pull(targets=[pointer], remote=remote or None, force=True)
        repo.checkout(targets=[pipeline], force=True, allow_missing=True)


def add_data(tree: Tree) -> None:
    """Let data.dvc name what is in the worktree's data/, and DVC's cache hold it.

    Raises:
        DataError: DVC can't.
    """
    with dvc_errors("data"), Repo(str(tree.folder)) as repo:
        repo.add(str(tree.data))


@contextmanager
def dvc_errors(what: str) -> Iterator[None]:
    """DVC's errors in this process as one line about WHAT.

    Raises:
        DataError: DVC failed.
    """
    try:
        yield
    except (DvcException, DataIndexDirError, FileNotFoundError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise DataError(f"{what}: {' '.join(lines[:2])}") from None


def _keep_mistakes(tree: Tree) -> None:
    if _listed(tree, REGRESSION):
        told = git(tree.folder, "show", f"{tree.tip}:{REGRESSION}")
        add_mistakes(tree.folder / REGRESSION, parse_mistakes(told, where=f"{tree.branch}:{REGRESSION}"))


def _listed(tree: Tree, *paths: str) -> list[str]:
    """Files of the branch's last commit."""
    return git(tree.folder, "ls-tree", "-r", "--name-only", tree.tip, "--", *paths).splitlines()


def _fetch_batches(tree: Tree) -> None:
    """Batches that the loop took in and the base has not."""
    with dvc_errors(f"{tree.branch}: the batches that were taken in"):
        files = DVCFileSystem(str(tree.folder), rev=tree.tip)
        for path in files.ls("data", detail=False):
            target = tree.folder / path
            if files.isdir(path) and not target.exists():
                files.get(path, str(target), recursive=True)


def _honour_forgotten(tree: Tree) -> None:
    """What the base forgot must be gone from the loop's own batches, too."""
    forgotten = read_forgotten(tree.data)
    for batch in list_batches(tree.data) if forgotten else ():
        for sha256 in set(read_index(batch, ["raw_sha256"])["raw_sha256"]) & forgotten:
            forget(tree.data, Selection(sha256=sha256), yes=True)


def _is_ancestor(tree: Tree, older: str, newer: str) -> bool:
    return git(tree.folder, "merge-base", older, newer) == older
