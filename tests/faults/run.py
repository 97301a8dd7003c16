"""Pictures through the real functions: ingest, assemble, expand, the gate; and all that a user sees of it."""

import contextlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from tests.faults.collection import NEWS
from unmask.config import Config, load_config
from unmask.console import run_as_program
from unmask.data.assemble import assemble
from unmask.data.audit.gate import GateSettings, run_gate
from unmask.data.audit.growth import write_version
from unmask.data.expand import expand
from unmask.data.ingest import ingest
from unmask.data.manifest import read_manifest, write_manifest
from unmask.data.parallel import Workers
from unmask.data.tables import write_table
from unmask.labels.graph import LabelGraph, graph_by_name

WORKERS = Workers()


class Build:
    """What assemble and expand made, to be harmed before the gate looks at it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rows = read_manifest(root / "dataset/manifest.parquet")
        self.labels = pd.read_parquet(root / "expanded/labels.parquet")

    def fakes(self, split: str) -> list[int]:
        """Places of the visible fakes of a split, those without a sidecar's fault, in the order of the manifest."""
        return self._places("fake", split)

    def reals(self, split: str) -> list[int]:
        """Places of the visible reals of a split."""
        return self._places("real", split)

    def of(self, generator: str) -> list[str]:
        """Rows of a generator."""
        return list(self.rows.loc[self.rows["generator"] == generator, "image_id"])

    def write(self) -> None:
        """Put the harmed tables where they were."""
        write_manifest(self.root / "dataset/manifest.parquet", self.rows)
        write_table(self.root / "expanded/labels.parquet", self.labels)

    def _places(self, label: str, split: str) -> list[int]:
        rows = self.rows
        chosen = (rows["label"] == label) & (rows["split"] == split) & rows["labelled"] & (rows["source"] == NEWS)
        return list(rows.index[chosen & rows["generator"].isin(("camera", "faceswap"))])


Harm = Callable[[Build], dict[str, list[str]]]


@dataclass(frozen=True)
class Seen:
    """What a user sees: lines printed, the quarantine list, the gate's failed expectations and page, the manifest.

    `harmed` are the rows harmed on purpose, by the name of the fault.
    """

    root: Path
    lines: list[str]
    quarantine: pd.DataFrame
    failed: dict[str, dict[str, Any]]
    page: str
    rows: pd.DataFrame
    harmed: dict[str, list[str]]


def settings(project: Path) -> tuple[Config, LabelGraph]:
    """The project's own settings; only what a small collection can't have is smaller."""
    config = load_config(project)
    config.validate = replace(config.validate, min_rows=20, min_validation_reals=5)
    config.assemble = replace(config.assemble, labelled_fraction=1.0, sources=[])
    return config, graph_by_name(config.labels.graph, config.labels.allow_bare_root)


def spoken(name: str, run: Callable[[], str]) -> list[str]:
    """Lines that a command prints, its errors included."""
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed), contextlib.suppress(SystemExit):
        run_as_program(name, run)
    return printed.getvalue().splitlines()


def take_in(roots: Sequence[Path], root: Path) -> list[str]:
    """Ingest each of ROOTS into ROOT/data as a batch of its own, `one` and so on."""
    lines = []
    for batch, pictures in zip(("one", "two"), roots, strict=False):
        lines += spoken("ingest", partial(ingest, pictures, root / "data", today="2026-11-21", batch=batch))
    return lines


def assembled(root: Path, config: Config) -> list[str]:
    """Assemble ROOT/data into ROOT/dataset."""
    return spoken(
        "assemble",
        lambda: assemble(root / "data", root / "dataset", settings=config.assemble, seed=config.seed, workers=WORKERS),
    )


def run_through(roots: Sequence[Path], root: Path, project: Path, harm: Harm) -> Seen:
    """Everything in turn; HARM may damage what assemble and expand made before the gate looks at it."""
    config, graph = settings(project)
    lines = [*take_in(roots, root), *assembled(root, config)]
    lines += spoken(
        "expand",
        lambda: expand(
            root / "dataset", root / "expanded", settings=config.expand, graph=graph, seed=config.seed, workers=WORKERS
        ).summary(),
    )
    build = Build(root)
    harmed = harm(build)
    build.write()
    write_version(root / "data.baseline.json", {})
    lines += spoken(
        "validate",
        lambda: run_gate(
            root / "dataset",
            root / "expanded",
            root / "validation",
            baseline=root / "data.baseline.json",
            settings=GateSettings(config.validate, config.assemble, config.seed, WORKERS),
            graph=graph,
        ),
    )
    found = json.loads((root / "validation/validation.json").read_text())
    return Seen(
        root=root,
        lines=lines,
        quarantine=pd.read_parquet(root / "dataset/quarantine.parquet"),
        failed={each["name"]: each for each in [*found["hard"], *found["soft"]]},
        page=(root / "validation/index.html").read_text(),
        rows=build.rows,
        harmed=harmed,
    )
