"""What is measured against each other: the service, the service with faces, and the peers."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serve.peers.fastapi_torch import STUDENT

OURS, FACES, TORCH, BENTO = "service", "faces", "fastapi-torch", "bentoml-onnx"
PEERS = (TORCH, BENTO)
OTHERS = (*PEERS, FACES)
MODULES = "benchmarks.serve.peers"


@dataclass(frozen=True)
class Side:
    """A command that serves, with `{port}` for the port, and its environment."""

    command: tuple[str, ...]
    environment: Mapping[str, str]


def create_side(name: str, *, bundle: Path, student: Path, scratch: Path) -> Side:
    """The side of that name, the service with the settings of params.yaml; what it keeps goes to SCRATCH."""
    common = {"UNMASK_BUNDLE": str(bundle.resolve()), "BENTOML_HOME": str(scratch / "bentoml")}
    bentoml = (sys.executable, "-m", "bentoml", "serve", "--port", "{port}")
    if name == TORCH:
        words = ("-m", "uvicorn", "--factory", f"{MODULES}.fastapi_torch:create_app", "--no-access-log")
        return Side((sys.executable, *words, "--port", "{port}"), common | {STUDENT: str(student.resolve())})
    if name == BENTO:
        return Side((*bentoml, f"{MODULES}.bento_onnx:Untuned"), common)
    ours = {
        "UNMASK_SERVING_STATE": str(scratch / name),
        "UNMASK_SERVING_FACES": "mediapipe" if name == FACES else "none",
    }
    return Side((*bentoml, "."), common | ours)
