from collections.abc import Iterator
from pathlib import Path

import pytest

from unmask.data import code
from unmask.data.code import code_digest, modules_of

SOURCES = {
    "data/maker.py": "import numpy\nfrom unmask.data.tool import turn\nfrom unmask.data import shards\n",
    "data/tool.py": "def turn():\n    from unmask.data.deep import sharpness\n",
    "data/deep.py": "import unmask.data.tool\n",
    "data/shards.py": "",
    "data/other.py": "",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package in which maker needs tool, and tool deep, and shards is plumbing."""
    for name, source in SOURCES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source)
    monkeypatch.setattr(code, "PACKAGE", tmp_path)
    code_digest.cache_clear()
    yield tmp_path
    code_digest.cache_clear()


def test_imports_are_followed_however_far_and_within_functions(package: Path) -> None:
    assert modules_of("unmask.data.maker") == {package / f"data/{name}.py" for name in ("maker", "tool", "deep")}


@pytest.mark.parametrize(("edited", "changes"), [(name, name[5:-3] in ("maker", "tool", "deep")) for name in SOURCES])
def test_an_edit_counts_where_the_module_is_used(package: Path, edited: str, changes: bool) -> None:
    before = code_digest("unmask.data.maker")
    (package / edited).write_text(SOURCES[edited] + "# edited\n")
    code_digest.cache_clear()
    assert (code_digest("unmask.data.maker") != before) is changes


def test_the_version_of_an_imported_package_counts(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = set()
    for numpy, scipy in (("1", "1"), ("2", "1"), ("1", "2")):
        monkeypatch.setattr(code, "version", {"numpy": numpy, "scipy": scipy}.__getitem__)
        code_digest.cache_clear()
        digests.add(code_digest("unmask.data.maker"))
    assert len(digests) == 2  # scipy is imported by none of them
