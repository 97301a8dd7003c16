"""Folds as DVC experiments: named by everything that decides their result, so that finished ones are known again."""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unmask.config import load_config
from unmask.data.batches import list_batches
from unmask.dvc_process import run_dvc
from unmask.errors import ConfigError, DataError
from unmask.evaluation.provenance import params_sha
from unmask.files import sha256_of
from unmask.protocols.plan import Fold

# A champion has learnt from generators that a fold holds out.
AFRESH = "warm_start.weights=none"
STAGE = "evaluate"  # the last one that a table needs
_CODE = ("src", "dvc.yaml")
_DIGEST_DIGITS = 8
_WAITING = re.compile(r"\s(\S+)\s.*\s(?:Queued|Running)$")


@dataclass(frozen=True)
class Experiment:
    """A fold with the name of its DVC experiment and the settings it runs with."""

    name: str
    fold: Fold
    overrides: tuple[str, ...]


def experiments(protocol: str, folds: Sequence[Fold], *, root: Path, settings: Sequence[str] = ()) -> list[Experiment]:
    """The folds as experiments on the project at ROOT; SETTINGS (`key=value`) are changed in all of them.

    An experiment's name ends with a digest of its settings, the data and the code, so a changed project has others.

    Raises:
        ConfigError: a setting is unknown or wrongly typed, or names what the protocol decides.
        DataError: a generator's name can't be written as a setting; a batch has no readable index; the project is not a
            git repository.
    """
    for decided in ("assemble.unseen_generators", "warm_start.weights"):
        if any(setting.lstrip("+~").startswith(decided) for setting in settings):
            raise ConfigError(f"{decided}: the protocol decides it; leave it out of --set-param")
    shared = f"{_data(root / 'data')} {_code(root)}"
    found = []
    for fold in folds:
        overrides = (*settings, AFRESH, f"assemble.unseen_generators={_quoted(fold.unseen)}")
        digest = hashlib.sha256(f"{params_sha(load_config(root, overrides))} {shared} {fold}".encode()).hexdigest()
        about = fold.until.isoformat() if fold.until else re.sub(r"[^a-z0-9]+", "-", fold.tested[0].lower()).strip("-")
        found.append(Experiment(f"{protocol}-{about}-{digest[:_DIGEST_DIGITS]}", fold, overrides))
    return found


def finished(root: Path) -> set[str]:
    """Names of the experiments that DVC holds the results of.

    Raises:
        DvcError: DVC can't tell.
    """
    return set(_ask(root, "exp", "list", "--all-commits", "--name-only"))


def waiting(root: Path) -> set[str]:
    """Names of the experiments that are queued or running.

    Raises:
        DvcError: DVC can't tell.
    """
    return {found[1] for line in _ask(root, "queue", "status") if (found := _WAITING.search(line))}


def start(experiment: Experiment, *, root: Path, on_line: Callable[[str], None], queue: bool) -> None:
    """Run an experiment in a folder of its own, beside the workspace, or put it into DVC's queue.

    Raises:
        DvcError: it failed; the message has the stage's own error.
    """
    where = "--queue" if queue else "--temp"
    changes = [word for override in experiment.overrides for word in ("-S", override)]
    command = [sys.executable, "-m", "dvc", "exp", "run", where, "-n", experiment.name, *changes, "--", STAGE]
    run_dvc(command, root=root, on_line=on_line)


def _ask(root: Path, *words: str) -> Iterator[str]:
    lines: list[str] = []
    run_dvc([sys.executable, "-m", "dvc", *words], root=root, on_line=lines.append)
    yield from lines


def _quoted(names: Sequence[str]) -> str:
    """A list as Hydra reads it."""
    odd = next((name for name in names if not name.isprintable() or "${" in name or "\\" in name), None)
    if odd is not None:
        raise DataError(f"generator {odd!r}: can't be written as a setting; rename its folder and take it in again")
    return json.dumps(list(names), ensure_ascii=False)


def _data(data: Path) -> str:
    """The batches that are there: experiments run with these, while data.dvc names those of the last `dvc add`."""
    return " ".join(f"{batch.name}={sha256_of(batch.folder / 'index.parquet')}" for batch in list_batches(data))


def _code(root: Path) -> str:
    """The pipeline's code as git knows it, with changes that are not committed."""
    return " ".join(
        _git(root, *words)
        for words in (("rev-parse", *(f"HEAD:./{path}" for path in _CODE)), ("diff", "HEAD", "--", *_CODE))
    )


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        raise DataError(f"{root}: not a git repository with a commit of the project; experiments need one") from None
    return done.stdout
