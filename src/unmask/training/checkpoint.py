"""Checkpoints of an interrupted stage, keyed by all that decides its result, without pickle.

They live outside the stage's outputs, because DVC deletes outputs before a stage runs.
"""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from unmask.config import Encoder, TextTower
from unmask.console import say
from unmask.data.code import code_digest
from unmask.files import replacing, sha256_of

ROOT = Path("var/checkpoints")
STAGES = ("pretrain", "teach", "distill")


class Checkpoints:
    """The newest checkpoint of one run of one stage."""

    def __init__(self, stage: str, key: str) -> None:
        self.stage_folder = ROOT / stage
        self.path = self.stage_folder / key / "state.safetensors"

    def save(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Replace the checkpoint at once."""
        with replacing(self.path) as temporary:
            whole = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
            save_file(whole, temporary, metadata={"state": json.dumps(state)})

    def load(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Tensors and state of the newest checkpoint; None where there is none or it is damaged."""
        if not self.path.is_file():
            return None
        try:
            with safe_open(self.path, framework="pt") as stored:
                tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
                return tensors, json.loads(stored.metadata()["state"])
        except (SafetensorError, KeyError, ValueError) as error:
            say(f"{self.path}: damaged checkpoint ignored ({error}); starting from the beginning")
            return None

    def clear(self) -> None:
        """Remove every checkpoint of the stage: its output stands now."""
        shutil.rmtree(self.stage_folder, ignore_errors=True)


def run_key(settings: Iterable[Any], inputs: Iterable[Path]) -> str:
    """Hash settings, input files, the code that trains and the torch build, so that only an equal run resumes."""
    told = [dataclasses.asdict(each) if dataclasses.is_dataclass(each) else each for each in settings]  # type: ignore[arg-type]
    parts = [json.dumps(told, sort_keys=True), torch.__version__]
    parts += [code_digest(f"unmask.training.{stage}") for stage in STAGES]
    parts += [sha256_of(path) for path in inputs]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def weights_files(*settings: Encoder | TextTower) -> list[Path]:
    """Files that networks start from."""
    return [Path(each.weights) for each in settings if each.weights not in ("none", "pretrained")]
