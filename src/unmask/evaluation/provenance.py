"""What a number was measured on: hash of the data, of the settings, and the git revision."""

import dataclasses
import hashlib
import json
import subprocess
from pathlib import Path

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from unmask.config import Config
from unmask.errors import DataError

UNKNOWN = "unknown"
# What a running pipeline writes itself, before the stage that asks for the revision.
PIPELINE_WRITES = ("dvc.lock", "build")
WITHOUT_EFFECT = frozenset({"scale", "drift", "package", "promote"})


def data_md5(pointer: Path) -> str:
    """MD5 of data/ as data.dvc names it; `unknown` where the data is not under DVC.

    Raises:
        DataError: the file is there and is not what DVC writes.
    """
    if not pointer.is_file():
        return UNKNOWN
    try:
        return str(OmegaConf.to_container(OmegaConf.load(pointer))["outs"][0]["md5"])  # type: ignore[index,call-overload]
    except (OmegaConfBaseException, YAMLError, KeyError, IndexError, TypeError) as error:
        raise DataError(f"{pointer}: not a DVC file ({type(error).__name__}); run `dvc add data`") from None


def params_sha(config: Config) -> str:
    """First 12 hex digits of the SHA-256 of the settings that can change a measured number."""
    settings = {name: value for name, value in dataclasses.asdict(config).items() if name not in WITHOUT_EFFECT}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def git_revision(root: Path) -> str:
    """Commit of the working tree, with `+changes` where files differ from it; `unknown` outside git.

    What the pipeline writes itself is no change: it follows from all else.
    """
    others = [f":(exclude){name}" for name in PIPELINE_WRITES]
    try:
        commit, changes = (
            subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, timeout=30, check=True).stdout
            for words in (
                ("rev-parse", "--short=12", "HEAD"),
                ("status", "--porcelain", "--untracked-files=no", "--", ".", *others),
            )
        )
    except (OSError, subprocess.SubprocessError):
        return UNKNOWN
    return commit.strip() + ("+changes" if changes.strip() else "")
