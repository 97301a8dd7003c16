"""What the loop has taken in for good: the batches of its branch's last commit.

The worktree may be ahead of that, by a run that was killed, or half made by one that is at work.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc.api import DVCFileSystem

from unmask.git import commit_of
from unmask.retraining.tree import dvc_errors

INDEX = "index.parquet"


@contextmanager
def committed_indexes(root: Path, branch: str) -> Iterator[Path]:
    """Give a folder with the indexes, and no pictures, of the batches in BRANCH, or in HEAD before there is a branch.

    Raises:
        DataError: DVC's cache and remote lack them.
    """
    revision = commit_of(root, branch) or "HEAD"
    with tempfile.TemporaryDirectory(prefix="unmask-taken-") as folder:
        with dvc_errors(f"{branch}: the batches that were taken in"):
            files = DVCFileSystem(str(root), rev=revision)
            for batch in files.ls("data", detail=False) if files.isdir("data") else ():
                if files.isdir(batch):
                    target = Path(folder, Path(batch).name)
                    target.mkdir()
                    files.get_file(f"{batch}/{INDEX}", str(target / INDEX))
        yield Path(folder)
