"""Every numeric check that docs/methods.md lists has a test that names it, and no test names another."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parent.parent


def listed() -> Iterator[str]:
    for letter, first, last in re.findall(r"U-(.)(\d+) to U-.(\d+)", (PROJECT / "docs/methods.md").read_text()):
        yield from (f"U-{letter}{number}" for number in range(int(first), int(last) + 1))


def named() -> Iterator[str]:
    for file in (PROJECT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield from re.findall(r"U-[A-Z]\d+", ast.get_docstring(node) or "")


def test_every_numeric_check_has_its_test() -> None:
    assert set(listed()) == set(named())
    assert len(set(listed())) == 56
