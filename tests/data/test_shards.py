import os
import pickle
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import unmask.data.shards
from unmask.data.shards import ShardReader, ShardWriter
from unmask.errors import DataError


def write(path: Path, **members: bytes) -> Path:
    with ShardWriter(path) as shard:
        for name, data in members.items():
            shard.write(name, data)
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write(tmp_path / "b/shard-0000.zip", a=b"one", b=b"two")
    with ShardReader(tmp_path) as reader:
        assert [reader.read(f"b/shard-0000.zip/{name}") for name in "ba"] == [b"two", b"one"]


def test_equal_members_give_equal_bytes(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, a=b"one", b=b"two").read_bytes() for name in ("x.zip", "y.zip"))
    assert first == second


def test_members_are_stored_not_compressed(tmp_path: Path) -> None:
    with zipfile.ZipFile(write(tmp_path / "x.zip", a=b"0" * 1000)) as archive:
        assert archive.getinfo("a").compress_type == zipfile.ZIP_STORED


def test_a_failing_writer_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with ShardWriter(tmp_path / "x.zip") as shard:
            shard.write("a", b"one")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_member_stands_once(tmp_path: Path) -> None:
    with ShardWriter(tmp_path / "x.zip") as shard:
        shard.write("a", b"one")
        with pytest.raises(ValueError, match="twice"):
            shard.write("a", b"two")


@pytest.mark.parametrize("key", ["../x.zip/a", "/etc/x.zip/a", "a/../../x.zip/a", "a", "..\\x.zip/a", ""])
def test_a_key_can_t_leave_the_root(tmp_path: Path, key: str) -> None:
    write(tmp_path / "x.zip", a=b"one")
    (tmp_path / "inside").mkdir()
    with pytest.raises(DataError, match="not the name of a shard"):
        ShardReader(tmp_path / "inside").read(key)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.zip: missing shard"):
        ShardReader(tmp_path).read("gone.zip/a")


def test_a_missing_member_is_named(tmp_path: Path) -> None:
    write(tmp_path / "x.zip", a=b"one")
    with pytest.raises(DataError, match=r"x\.zip: holds no b"):
        ShardReader(tmp_path).read("x.zip/b")


@pytest.mark.parametrize("place", ["content", "directory"])
def test_a_damaged_shard_is_named(tmp_path: Path, place: str) -> None:
    path = write(tmp_path / "x.zip", a=b"one" * 100)
    content = bytearray(path.read_bytes())
    content = content[:-30] if place == "directory" else content.replace(b"oneone", b"oneONE", 1)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.zip: damaged shard"):
        ShardReader(tmp_path).read("x.zip/a")


def test_a_compressed_member_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"0" * 100_000)
    with pytest.raises(DataError, match="compressed"):
        ShardReader(tmp_path).read("x.zip/a")


def test_a_reader_can_be_pickled(tmp_path: Path) -> None:
    write(tmp_path / "x.zip", a=b"one")
    reader = ShardReader(tmp_path)
    reader.read("x.zip/a")
    assert pickle.loads(pickle.dumps(reader)).read("x.zip/a") == b"one"  # noqa: S301


def test_a_forked_child_opens_its_own_handles(tmp_path: Path) -> None:
    write(tmp_path / "x.zip", a=b"one", b=b"two")
    reader = ShardReader(tmp_path)
    reader.read("x.zip/a")
    child = os.fork()
    if child == 0:
        os._exit(0 if reader.read("x.zip/b") == b"two" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert reader.read("x.zip/a") == b"one"


def test_threads_may_share_a_reader_of_more_shards_than_stay_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unmask.data.shards, "_OPEN_SHARDS", 2)
    content = {f"{number}.zip": bytes([number]) * 50_000 for number in range(6)}
    for name, data in content.items():
        write(tmp_path / name, a=data)
    wanted = [f"{number * 5 % 6}.zip" for number in range(1200)]
    with ShardReader(tmp_path) as reader, ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda name: reader.read(f"{name}/a"), wanted))
        assert read == [content[name] for name in wanted]
