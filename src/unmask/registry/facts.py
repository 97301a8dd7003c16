"""What git holds of a version's commit: the data it learned from, and its figures."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from unmask.git import GitError, git
from unmask.registry.tags import Version


@dataclass(frozen=True)
class Facts:
    """Hash of the data, the packaged candidate, and its numbers as build/metrics.json has them; empty where unknown."""

    data_md5: str
    candidate: str
    numbers: dict[str, Any]


def facts_of(root: Path, version: Version) -> Facts:
    """Read the figures from the version's commit, so that they are there on any clone, without DVC."""
    try:
        metrics = json.loads(git(root, "show", f"{version.commit}:./build/metrics.json"))
        params = yaml.safe_load(git(root, "show", f"{version.commit}:./params.yaml"))
        candidate = str(params["package"]["candidate"])
        return Facts(str(metrics["data_md5"]), candidate, dict(metrics[candidate]))
    except (GitError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return Facts("", "", {})  # a commit that was registered by hand need not be one of this pipeline
