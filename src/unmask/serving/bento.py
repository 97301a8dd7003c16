"""Builds and exports a Bento by the bentoml command, in a store of its own."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from unmask.errors import UnmaskError
from unmask.files import replacing
from unmask.serving.service import NAME

SECONDS = 300


def build_bento(root: Path, *, version: str, target: Path) -> None:
    """Build what ROOT/bentofile.yaml names and write it to TARGET, a .bento file; nothing stays in BentoML's home.

    Raises:
        UnmaskError: bentoml failed; the message ends with its last line.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unmask-bento-") as home, replacing(target) as temporary:
        fresh = Path(home) / target.name
        _bentoml(["build", "--version", version, "."], root=root, home=home)
        _bentoml(["export", f"{NAME}:{version}", str(fresh)], root=root, home=home)
        shutil.copyfile(fresh, temporary)


def _bentoml(words: list[str], *, root: Path, home: str) -> None:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bentoml", *words],
            cwd=root,
            env=os.environ | {"BENTOML_HOME": home, "BENTOML_DO_NOT_TRACK": "True"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise UnmaskError(f"bentoml {words[0]}: no answer within {SECONDS} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise UnmaskError(f"bentoml {words[0]} failed: {said[-1]}")
