import re

import pytest

from tests.conftest import PROJECT, module_of_extra, unavailable


def test_what_is_lacking_is_skipped_at_home_and_fails_in_ci(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Chromium"):
        unavailable("no Chromium")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Chromium; CI must have it"):
        unavailable("no Chromium")


def test_a_module_that_is_lacking_names_its_extra(monkeypatch):
    monkeypatch.setenv("CI", "true")
    assert module_of_extra("json", "clips").dumps(1) == "1"
    with pytest.raises(pytest.fail.Exception, match="no module no_such: the extra `clips` is not installed"):
        module_of_extra("no_such", "clips")


def test_only_hardware_shared_data_and_a_mount_may_be_lacking_in_ci():
    """Every other skip goes through `unavailable`."""
    skips = re.compile(r"importorskip\(|mark\.skip|pytest\.skip\(")
    allowed = re.compile(r"no GPU|REAL_DATA|allow_module_level|lets nobody mount")
    found = [
        f"{path.relative_to(PROJECT)}: {line.strip()}"
        for path in (PROJECT / "tests").rglob("*.py")
        if path.name != "test_unavailable.py"
        for line in path.read_text().splitlines()
        if skips.search(line) and not allowed.search(line)
    ]
    assert not found
