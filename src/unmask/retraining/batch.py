"""A folder of pictures taken in on the loop's branch, for the next retrain."""

from datetime import UTC, datetime
from pathlib import Path

from unmask.data.ingest import ingest
from unmask.git import Identity
from unmask.retraining.lock import only_run
from unmask.retraining.tree import add_data, commit, move_branch, open_tree


def take_folder(root: Path, state: Path, where: str, *, source: str, branch: str, identity: Identity) -> str:
    """Ingest WHERE as `unmask ingest` does, in the loop's worktree, and commit it; returns the summary.

    The workspace's own data/ stays as it is.

    Raises:
        BusyError: a retrain or another ingest is at work.
        DataError: WHERE can't be read, or nothing in it is usable.
    """
    with only_run(state):
        tree = open_tree(root, state, branch=branch, remote="")
        today = datetime.now(UTC)
        name = f"flow-{today:%Y-%m-%d-%H%M%S}"
        place = where if "://" in where else (root / where).resolve()
        summary = ingest(
            place, tree.data, today=today.date().isoformat(), source=source or None, batch=name, caps=tree.caps
        )
        add_data(tree)
        move_branch(tree, commit(tree, f"Data: {summary}", identity))
        return summary
