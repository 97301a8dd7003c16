"""The house rules that a linter does not know: which way imports point, and how long a module may be."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
PACKAGE = PROJECT / "src/unmask"
MODULES = {".".join(file.relative_to(PACKAGE).with_suffix("").parts): file for file in sorted(PACKAGE.rglob("*.py"))}
LONGEST = 350

# A folder imports only from folders to the right of it, or from its own level.
LEVELS = (
    {"cli", "commands"},
    {"stages", "protocols", "registry", "retraining"},
    {"evaluation", "monitoring", "serving", "training"},
    {"data", "learning"},
    {"models", "labels", "presets"},
    {
        "client",
        "config",
        "console",
        "dates",
        "dvc_process",
        "errors",
        "files",
        "git",
        "service_settings",
        "strict",
        "watchdog",
        "ycbcr",
        "__init__",
    },
)
LEVEL_OF = {name: level for level, names in enumerate(LEVELS) for name in names}

# Third-party packages that only these modules may import (prefixes of module names).
CONFINED = {
    "prefect": (),
    "flows": (),
    "ray": ("data.cluster",),
    "bentoml": ("serving.service", "serving.bento"),
    "evidently": ("monitoring.",),
    "great_expectations": ("data.audit.",),
    "fsspec": ("data.sources.tree",),
    "mediapipe": ("data.facemesh",),
    "av": ("data.video",),
    "gto": ("registry.tags",),
    "dvc": (
        "protocols.table",
        "evaluation.comparison.revisions",
        "retraining.committed",
        "retraining.tree",
        "retraining.decide",
        "retraining.start",
    ),
}
# These run on a bare GPU box: torch and what travels with it.
GPU_BOX = ("training.", "learning.", "models.", "labels.", "data.loading", "data.preprocess")
GPU_BOX_PACKAGES = {
    *("torch", "torchvision", "timm", "open_clip", "lightning", "hydra", "omegaconf", "numpy", "pandas", "pyarrow"),
    *("PIL", "safetensors", "rich", "yaml", "unmask"),
}
SERVING = ("serving.runtime", "serving.bundle", "data.preprocess")
SERVING_PACKAGES = {"onnxruntime", "numpy", "PIL", "unmask"}


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def third_party(file: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(file)} - sys.stdlib_module_names


def own(file: Path) -> set[str]:
    """Names inside the package that a module imports, without the leading `unmask.`."""
    return {name.removeprefix("unmask.") for name in imports(file) if name.startswith("unmask.")}


def folder(name: str) -> str:
    return name.split(".", maxsplit=1)[0]


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    level = LEVEL_OF[folder(module)]
    up = {name for name in own(MODULES[module]) if LEVEL_OF.get(folder(name), len(LEVELS)) < level}
    assert not up


@pytest.mark.parametrize("package", CONFINED)
def test_a_confined_package_stays_behind_its_adapter(package):
    users = {module for module, file in MODULES.items() if package in third_party(file)}
    assert not {module for module in users if not f"{module}.".startswith(CONFINED[package] or ("nobody",))}


@pytest.mark.parametrize("module", [name for name in MODULES if f"{name}.".startswith(GPU_BOX)])
def test_training_runs_on_a_bare_gpu_box(module):
    assert third_party(MODULES[module]) <= GPU_BOX_PACKAGES


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith(SERVING)])
def test_serving_needs_neither_torch_nor_pandas(module):
    seen, waiting, needed = set(), [module], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in MODULES:
            continue
        seen.add(name)
        needed |= third_party(MODULES[name])
        waiting += own(MODULES[name])
    assert needed <= SERVING_PACKAGES


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("stages.")])
def test_a_stage_imports_nothing_heavy_before_its_settings_are_checked(module):
    top = ast.Module(ast.parse(MODULES[module].read_text()).body, [])
    names = {
        name.name if isinstance(node, ast.Import) else node.module
        for node in top.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert {name for name in names if folder(name) not in sys.stdlib_module_names} <= {"unmask.config"}


@pytest.mark.parametrize("module", MODULES)
def test_no_module_is_too_long(module):
    assert len(MODULES[module].read_text().splitlines()) <= LONGEST


def test_there_is_no_drawer_for_everything():
    assert not {name for name in MODULES if name.split(".")[-1] in {"utils", "helpers", "misc", "common"}}


def test_flows_hold_no_machine_learning():
    used = set().union(*(third_party(file) for file in (PROJECT / "flows").glob("*.py")))
    assert used <= {"prefect", "pydantic", "typer", "flows", "unmask"}
