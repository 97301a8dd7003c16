import pytest

from unmask.errors import DataError
from unmask.files import read_json, replacing, sha256_of, write_json


def test_a_file_appears_whole(tmp_path):
    with replacing(tmp_path / "deep/a.txt") as temporary:
        temporary.write_text("whole")
        assert not (tmp_path / "deep/a.txt").exists()
    assert (tmp_path / "deep/a.txt").read_text() == "whole"


@pytest.mark.parametrize("make", ["file", "folder"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, make):
    (tmp_path / "a.txt").write_text("old")

    def fail():
        with replacing(tmp_path / "a.txt") as temporary:
            temporary.write_text("half") if make == "file" else temporary.mkdir()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_json_goes_there_and_back(tmp_path):
    write_json(tmp_path / "a.json", {"b": [1, 2.5], "a": None})
    assert read_json(tmp_path / "a.json") == {"a": None, "b": [1, 2.5]}


def test_json_refuses_what_json_does_not_know(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"auc": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_damaged_json_is_a_data_error_with_its_name(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DataError, match=r"a\.json: not JSON"):
        read_json(tmp_path / "a.json")


def test_an_absent_file_says_what_writes_it(tmp_path):
    with pytest.raises(DataError, match="dvc repro"):
        read_json(tmp_path / "absent")


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
