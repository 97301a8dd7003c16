"""dvc.yaml says which code and which settings a stage uses; the imports say the truth.

A missing dependency would serve a stale result, a superfluous one would train again for nothing. Where a test fails,
its message is the list to paste into dvc.yaml.
"""

import ast
import dataclasses
from pathlib import Path

import pytest
import yaml

from tests.imports import PACKAGE, PROJECT, closure, imported_names, tree_of
from unmask.config import Config
from unmask.data.code import PLUMBING, modules_of

HARNESS = frozenset(PACKAGE / name for name in ("__init__.py", "config.py", "console.py", "errors.py", "files.py"))
STAGES = yaml.safe_load((PROJECT / "dvc.yaml").read_text())["stages"]
PACKED = {"package": {"serving"}}  # the Bento carries params.yaml, and the service reads this section of it
SECTIONS = {field.name for field in dataclasses.fields(Config)} - {"scale"}


def is_empty(file: Path) -> bool:
    return file.suffix == ".py" and all(isinstance(node, ast.Expr) for node in tree_of(file).body)


def code_of(start: Path) -> set[Path]:
    return {file for file in closure(start, without=HARNESS) if not is_empty(file)}


def listed_files(deps: list[str]) -> set[Path]:
    paths = [PROJECT / dep for dep in deps if dep.startswith("src/")]
    files = {file for path in paths for file in (path.rglob("*.*") if path.is_dir() else [path])}
    return {file for file in files if file.suffix != ".pyc" and not (file.is_file() and is_empty(file))}


def as_deps(files: set[Path]) -> str:
    """The shortest list: a folder stands where all its modules are used."""
    chosen: set[Path] = set()
    for file in files:
        best = file
        for folder in file.relative_to(PACKAGE).parents:
            whole = listed_files([str((PACKAGE / folder).relative_to(PROJECT))])
            if str(folder) != "." and whole <= files:
                best = PACKAGE / folder
        chosen.add(best)
    return "\n".join(f"      - {path.relative_to(PROJECT)}" for path in sorted(chosen))


def sections_read(files: set[Path]) -> set[str]:
    """Sections taken from something called `config` by the modules that know the type Config."""
    found = set()
    for file in (file for file in files if file.suffix == ".py"):
        tree = tree_of(file)
        if "unmask.config.Config" not in imported_names(tree):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in SECTIONS and called(node.value) == "config":
                found.add(node.attr)
    return found


def called(node: ast.expr) -> str:
    return {ast.Name: lambda: node.id, ast.Attribute: lambda: node.attr}.get(type(node), str)()


def stage_file(stage: str) -> Path:
    return PACKAGE / "stages" / f"{stage}.py"


@pytest.mark.parametrize("stage", STAGES)
def test_code_dependencies_are_the_imports(stage):
    used = code_of(stage_file(stage))
    listed = listed_files(STAGES[stage].get("deps", []))
    differing = sorted(str(file.relative_to(PACKAGE)) for file in used ^ listed)
    assert not differing, f"{stage}: wrong about {differing}; its code is\n{as_deps(used)}"


@pytest.mark.parametrize("stage", STAGES)
def test_parameters_are_the_sections_read(stage):
    listed = {str(entry).split(".")[0] for entry in STAGES[stage].get("params", [])}
    used = sections_read(code_of(stage_file(stage))) | PACKED.get(stage, set())
    assert listed == used, f"{stage}: params: [{', '.join(sorted(used))}]"


@pytest.mark.parametrize("maker", ["data/crops", "data/forging/worker", "data/forging/pairs"])
def test_results_are_keyed_by_all_code_that_makes_them(maker):
    used = code_of(PACKAGE / f"{maker}.py") - {PACKAGE / f"{name}.py" for name in PLUMBING}
    assert modules_of(f"unmask.{maker.replace('/', '.')}") == used


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_run_by_its_own_module(stage):
    assert STAGES[stage]["cmd"] == f"python -m unmask.stages.{stage}"


def test_every_stage_file_is_in_the_pipeline():
    files = {file.stem for file in (PACKAGE / "stages").glob("*.py")} - {"__init__"}
    assert files == set(STAGES)
