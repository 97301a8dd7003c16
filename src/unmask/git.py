"""git as a child process, with its complaint as one line."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from unmask.errors import UnmaskError

TIMEOUT_S = 300


class GitError(UnmaskError):
    """git refused; the message is one line with its reason."""


@dataclass(frozen=True)
class Identity:
    """Who commits and tags."""

    name: str
    email: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables that git and gto read it from."""
        return {
            f"GIT_{role}_{key}": value
            for role in ("AUTHOR", "COMMITTER")
            for key, value in (("NAME", self.name), ("EMAIL", self.email))
        }


def git(root: Path, *words: str, identity: Identity | None = None) -> str:
    """What `git WORDS` prints in ROOT, without the last line's end.

    Raises:
        GitError: it ended with a non-zero code, or there is no git.
    """
    environment = {**os.environ, **(identity.environment if identity else {}), "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            ["git", *words], cwd=root, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError(f"{root}: git {words[0]}: {error}") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise GitError(f"{root}: git {words[0]}: {lines[-1] if lines else f'ended with code {done.returncode}'}")
    return done.stdout.rstrip("\n")


def commit_of(root: Path, revision: str) -> str | None:
    """The commit that REVISION names in ROOT; None where it names none."""
    try:
        return git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except GitError:
        return None
