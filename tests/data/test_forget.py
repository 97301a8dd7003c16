import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

import unmask.data.forget
from unmask.data.batches import list_batches, read_index
from unmask.data.forget import Selection, forget, remaining_traces
from unmask.data.forgotten import FORGOTTEN, read_forgotten
from unmask.data.ingest import ingest
from unmask.data.shards import ShardReader, open_shard
from unmask.errors import DataError

take = partial(ingest, today="2026-11-21")
ONE_PERSON = Selection(source="news", group="p1")


@pytest.fixture
def data(tmp_path: Path, make_source: Callable[..., Path]) -> Path:
    """Two batches: sources news and blog, and more of news."""
    root = make_source(make_source(tmp_path / "in"), "blog", first_seed=500)
    take(root, tmp_path / "data", batch="one")
    take(make_source(tmp_path / "more", first_seed=900), tmp_path / "data", batch="two")
    return tmp_path / "data"


def contents(data: Path) -> dict[str, bytes]:
    return {str(path.relative_to(data)): path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file()}


def members(data: Path) -> dict[str, bytes]:
    found = {}
    for shard in data.glob("*/*.zip"):
        with open_shard(shard) as opened:
            found |= {f"{shard.parent.name}/{name}": opened.read(name) for name in opened.namelist()}
    return found


def hashes_of(data: Path, selection: Selection) -> set[str]:
    rows = [read_index(batch) for batch in list_batches(data)]
    return {sha for index in rows for sha in index.loc[selection.mask(index), "raw_sha256"]}


def test_without_yes_nothing_changes(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(data)
    assert forget(data, ONE_PERSON, yes=False).startswith("would forget 4 pictures or clips")
    assert contents(data) == before
    assert "news/fake/swap: 2" in capsys.readouterr().err


def test_bytes_masks_and_rows_go_and_all_else_stays(data: Path) -> None:
    before, gone = members(data), hashes_of(data, ONE_PERSON)
    rows = {batch.name: read_index(batch) for batch in list_batches(data)}
    summary = forget(data, ONE_PERSON, yes=True)
    assert summary.startswith("forgot 4 pictures or clips")
    assert "2 of 2 batches rewritten" in summary
    assert members(data) == {key: value for key, value in before.items() if key.split("/")[1].split(".")[0] not in gone}
    assert not any(
        sha.encode() in content for sha in gone for path, content in contents(data).items() if ".zip" in path
    )
    for batch in list_batches(data):
        left = rows[batch.name][~rows[batch.name]["raw_sha256"].isin(gone)].reset_index(drop=True)
        now = read_index(batch)
        assert now.drop(columns="landmarks").equals(left.drop(columns="landmarks"))
        assert [list(points) if points is not None else None for points in now["landmarks"]] == [
            list(points) if points is not None else None for points in left["landmarks"]
        ]
    assert read_forgotten(data) == gone


def test_untouched_shards_keep_their_bytes(data: Path) -> None:
    before = contents(data)
    index = read_index(list_batches(data)[0])
    blog = {f"one/{key.split('/')[0]}" for key in index.loc[index["source"] == "blog", "key"]}
    forget(data, ONE_PERSON, yes=True)
    after = contents(data)
    assert blog
    assert all(after[shard] == before[shard] for shard in blog)


def test_every_row_left_can_be_read(data: Path) -> None:
    forget(data, Selection(path="real/camera/[0-3].*"), yes=True)
    for batch in list_batches(data):
        reader = ShardReader(batch.folder)
        for row in read_index(batch).to_dict("records"):
            assert hashlib.sha256(reader.read(row["key"])).hexdigest() == row["raw_sha256"]
            assert not row["mask_key"] or reader.read(row["mask_key"])


def test_forgetting_twice_is_forgetting_once(data: Path) -> None:
    forget(data, ONE_PERSON, yes=True)
    before = contents(data)
    assert forget(data, ONE_PERSON, yes=True) == f"nothing to forget in {data}"
    assert contents(data) == before


def test_what_was_forgotten_is_not_taken_in_again(data: Path, tmp_path: Path) -> None:
    forget(data, ONE_PERSON, yes=True)
    before = contents(data)
    summary = take(tmp_path / "in", data)
    assert "nothing new" in summary
    assert "2 left out because they were forgotten" in summary
    assert contents(data) == before


def test_only_hashes_are_kept(data: Path) -> None:
    gone = hashes_of(data, ONE_PERSON)
    forget(data, ONE_PERSON, yes=True)
    assert (data / FORGOTTEN).read_text() == "".join(f"{sha}\n" for sha in sorted(gone))


def test_a_whole_source_and_its_shards(data: Path) -> None:
    forget(data, Selection(source="bl*"), yes=True)
    assert {name for batch in list_batches(data) for name in read_index(batch)["source"]} == {"news"}
    assert len(list(data.glob("one/*.zip"))) == 1


def test_an_emptied_batch_stays_in_order(data: Path, tmp_path: Path, make_source: Callable[..., Path]) -> None:
    forget(data, Selection(source="*"), yes=True)
    assert members(data) == {}
    take(make_source(tmp_path / "third", first_seed=3000), data, batch="three")
    assert list_batches(data)[-1].name == "three"


def test_one_picture_by_its_hash(data: Path) -> None:
    sha = read_index(list_batches(data)[0])["raw_sha256"].iloc[3]
    assert forget(data, Selection(sha256=sha[:12].upper()), yes=True).startswith("forgot 1 pictures")
    assert read_forgotten(data) == {sha}


def test_a_name_with_brackets_means_itself(
    data: Path, tmp_path: Path, put_picture: Callable[..., Path], draw_picture: Callable[..., Image.Image]
) -> None:
    put_picture(tmp_path / "odd/news/real/camera/a[1].png", draw_picture(4000))
    take(tmp_path / "odd", data)
    assert forget(data, Selection(path="real/camera/a[1].png"), yes=True).startswith("forgot 1 ")


def test_forgeries_of_a_chosen_real_can_go_too(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = Selection(source="blog", path="real/camera/1.png")
    assert forget(data, real, yes=False).startswith("would forget 1 ")
    assert "1 fakes made from these pictures are not among them; --with-forgeries" in capsys.readouterr().err
    with_fakes = Selection(source="blog", path="real/camera/1.png", forgeries=True)
    assert forget(data, with_fakes, yes=True).startswith("forgot 2 ")


@pytest.mark.parametrize(
    ("selection", "message"),
    [(Selection(), "nothing chosen"), (Selection(sha256="abc"), "at least 12"), (Selection(sha256="z" * 64), "hex")],
)
def test_a_careless_choice_is_refused(data: Path, selection: Selection, message: str) -> None:
    with pytest.raises(DataError, match=message):
        forget(data, selection, yes=True)


def test_nothing_to_forget_in_no_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing or empty"):
        forget(tmp_path / "data", ONE_PERSON, yes=True)


def test_a_damaged_list_of_hashes_is_said(data: Path) -> None:
    (data / FORGOTTEN).write_text("p1\n")
    with pytest.raises(DataError, match=r"forgotten\.txt: 'p1' is no SHA-256"):
        forget(data, ONE_PERSON, yes=True)


STEPS = ("write_forgotten", "write_typed", "_rewrite")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_step_the_next_run_completes_it(data: Path, tmp_path: Path, step: str, when: str) -> None:
    whole = Path(shutil.copytree(data, tmp_path / "whole"))
    forget(whole, ONE_PERSON, yes=True)
    script = f"""
import os, signal, sys
from pathlib import Path
import unmask.data.forget as module
step = module.{step}
def killed(*arguments, **named):
    if {when == "after"}:
        step(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)
module.{step} = killed
module.forget(Path({str(data)!r}), module.Selection(source="news", group="p1"), yes=True)
"""
    ended = subprocess.run([sys.executable, "-c", script], env=dict(os.environ), check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    for batch in list_batches(data):
        reader = ShardReader(batch.folder)
        assert all(reader.read(key) for key in read_index(batch)["key"])
    forget(data, ONE_PERSON, yes=True)
    assert contents(data) == contents(whole)


def test_a_run_killed_while_a_shard_is_written_leaves_nothing(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unmask.data.forget, "_rewrite", lambda *_: None)
    forget(data, ONE_PERSON, yes=True)
    monkeypatch.undo()
    (data / "one/.shard-0000.zip.12345678.tmp").write_bytes(b"half a shard")
    forget(data, Selection(sha256="0" * 64), yes=True)
    assert not list(data.glob("*/.*"))
    assert not {name.split("/")[1].split(".")[0] for name in members(data)} & read_forgotten(data)


def test_the_traces_name_the_data_s_hash() -> None:
    text = "\n".join(remaining_traces(Path("data"), "abc.dir"))
    assert all(part in text for part in ("abc.dir", "dvc gc --workspace --cloud", "dvc repro", "bundle.json"))
