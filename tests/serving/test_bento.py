"""bentofile.yaml names what the service needs and nothing else; tests/pipeline/test_bento.py serves the Bento."""

from pathlib import Path

import yaml
from pathspec import PathSpec

from tests.imports import PACKAGE, PROJECT, closure, third_party

SERVICE = PACKAGE / "serving/service.py"
RECIPE = yaml.safe_load((PROJECT / "bentofile.yaml").read_text())
BESIDE_CODE = {"params.yaml", "build/package/bundle/*"}
# Extras of a Bento: without them a clip, or `serving.faces: mediapipe`, is refused in words.
EXTRAS = {"av", "mediapipe", "cv2"}
IMPORTED_AS = {"PIL": "pillow", "yaml": "pyyaml", "multipart": "python_multipart"}


def included() -> set[Path]:
    """Files of the package that the recipe takes in."""
    spec = PathSpec.from_lines("gitignore", RECIPE["include"])
    files = [file for file in PACKAGE.rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    return {file for file in files if spec.match_file(file.relative_to(PROJECT))}


def as_include(files: set[Path]) -> str:
    """The shortest list: a pattern stands for a folder whose files are all needed."""
    entries = set()
    for folder in {file.parent for file in files} - {PACKAGE}:
        inside = {file for file in folder.iterdir() if file.is_file()}
        if inside <= files and len(inside) > 1:
            entries |= {folder / f"*{suffix}" for suffix in {file.suffix for file in inside}}
            files = files - inside
    return "\n".join(f"  - {path.relative_to(PROJECT)}" for path in sorted(files | entries))


def test_the_recipe_includes_what_the_service_needs_and_no_more():
    needed, taken = closure(SERVICE), included()
    differing = sorted(str(file.relative_to(PACKAGE)) for file in needed ^ taken)
    assert not differing, f"wrong about {differing}; the code to include is\n{as_include(needed)}"


def test_beside_the_code_it_includes_the_settings_and_the_bundle():
    assert {entry for entry in RECIPE["include"] if not entry.startswith("src/")} == BESIDE_CODE


def test_every_package_that_the_service_imports_is_pinned():
    pins = (PROJECT / "requirements-serve.lock").read_text().splitlines()
    pinned = {pin.partition("==")[0].replace("-", "_") for pin in pins if "==" in pin}
    imported = {IMPORTED_AS.get(name, name) for file in closure(SERVICE) for name in third_party(file)}
    assert imported - EXTRAS <= pinned
