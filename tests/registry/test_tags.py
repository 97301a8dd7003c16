import pytest

from tests.registry.conftest import BOT
from unmask.errors import DataError
from unmask.git import git
from unmask.registry.tags import assign, assignments, register, versions


def test_versions_count_up_and_know_their_model(root):
    for number in (2, 1, 0):
        commit = git(root, "rev-parse", f"HEAD~{number}")
        register(root, commit, model=f"{number:012x}", reason=f"why\nModel: {9:012x} {number}", identity=BOT)
    found = versions(root)
    assert [version.name for version in found] == ["v1.2.0", "v1.1.0", "v1.0.0"]
    assert [version.model for version in found] == [f"{number:012x}" for number in range(3)]
    assert found[0].reason == "why"


def test_a_commit_that_is_registered_keeps_its_version(root):
    head = git(root, "rev-parse", "HEAD")
    first = register(root, head, model="0" * 12, reason="once", identity=BOT)
    assert register(root, head, model="0" * 12, reason="twice", identity=BOT) == first
    assert len(versions(root)) == 1


def test_assignments_of_one_second_keep_their_order(root):
    names = [
        register(root, git(root, "rev-parse", f"HEAD~{number}"), model="0" * 12, reason="", identity=BOT)
        for number in range(2)
    ]
    order = [names[0], names[1], names[0], names[0]]
    for name in order:
        assign(root, name, "prod", reason="again", identity=BOT)
    assert [one.version for one in assignments(root)] == order


def test_what_gto_refuses_is_one_line(root, tmp_path):
    with pytest.raises(DataError, match=r"registry: Version 'v9\.0\.0' is not registered"):
        assign(root, "v9.0.0", "prod", reason="", identity=BOT)
    with pytest.raises(DataError, match="not a git repository"):
        versions(tmp_path)
