import csv
import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.errors import DataError
from unmask.serving.offline.scoring import Row
from unmask.serving.offline.table import Columns, partial_of, writing

COLUMNS = Columns(["fake", "lip edge"], "0123456789ab", "d41d8.dir")
PICTURE = Row("a.jpg", "picture", p_fake=0.25, verdict="real", logit=-1.5, attributes={"fake": 0.2, "lip edge": 0.1})
REFUSED = Row("b.jpg", "refused", error="not a picture")
CLIP = [Row("c.mp4", "frame", frame=k, time_s=k / 4, p_fake=0.5, verdict="uncertain", logit=0.0) for k in range(3)]
CLIP.append(Row("c.mp4", "clip", p_fake=0.5, verdict="uncertain", logit=0.0, sentence="mean of 3 frames"))


def write(path: Path, *files: list[Row], resume: bool = False, columns: Columns = COLUMNS) -> set[str]:
    with writing(path, columns, resume=resume) as table:
        for rows in files:
            if rows[0].path not in table.done:
                table.write(rows)
    return table.done


def interrupt(path: Path, *files: list[Row]) -> None:
    def run() -> None:
        with writing(path, COLUMNS, resume=False) as table:
            for rows in files:
                table.write(rows)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_row_has_all_that_makes_it_readable(tmp_path: Path) -> None:
    write(tmp_path / "out/a.csv", [PICTURE], [REFUSED])
    picture, refused = read(tmp_path / "out/a.csv")
    assert list(picture)[:8] == ["path", "level", "frame", "time_s", "p_fake", "verdict", "logit", "sentence"]
    assert picture["p_fake"] == "0.250000"
    assert (picture["attribute_fake"], picture["attribute_lip_edge"]) == ("0.200000", "0.100000")
    assert (picture["frame"], picture["time_s"], picture["error"]) == ("", "", "")
    assert (picture["model_version"], picture["data_hash"]) == ("0123456789ab", "d41d8.dir")
    assert (refused["level"], refused["p_fake"], refused["error"]) == ("refused", "", "not a picture")


def test_an_interrupted_run_leaves_the_old_table_and_keeps_what_was_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.csv"
    write(out, [REFUSED])
    old = out.read_bytes()
    interrupt(out, [PICTURE], CLIP)
    assert out.read_bytes() == old
    assert "a.csv.part holds what was done; --resume" in capsys.readouterr().err
    assert len(read(partial_of(out))) == 5


def test_a_continued_table_is_the_same_as_one_in_one_go(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.csv", tmp_path / "broken.csv"
    write(whole, [PICTURE], CLIP, [REFUSED])
    interrupt(broken, [PICTURE], CLIP)
    assert write(broken, [PICTURE], CLIP, [REFUSED], resume=True) == {"a.jpg"}
    assert broken.read_bytes() == whole.read_bytes()
    assert not partial_of(broken).exists()


@given(cut=st.integers(0, 2000))
def test_wherever_it_was_cut_it_continues_to_the_same_table(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("cut")
    files = ([PICTURE], CLIP, [REFUSED])
    write(folder / "whole.csv", *files)
    whole = (folder / "whole.csv").read_bytes()
    partial_of(folder / "a.csv").write_bytes(whole[: min(cut, len(whole))])
    if 0 < cut < whole.index(b"\n"):
        with pytest.raises(DataError, match="other columns"):
            write(folder / "a.csv", *files, resume=True)
    else:
        write(folder / "a.csv", *files, resume=True)
        assert (folder / "a.csv").read_bytes() == whole


def test_what_was_refused_is_tried_again(tmp_path: Path) -> None:
    out = tmp_path / "a.csv"
    interrupt(out, [REFUSED], [PICTURE], CLIP)
    answered = dataclasses.replace(PICTURE, path=REFUSED.path)
    assert write(out, [answered], [PICTURE], CLIP, resume=True) == {"a.jpg"}
    assert [(row["path"], row["level"]) for row in read(out)][:2] == [("a.jpg", "picture"), ("b.jpg", "picture")]


def test_without_resume_it_starts_again(tmp_path: Path) -> None:
    out = tmp_path / "a.csv"
    interrupt(out, [PICTURE], CLIP)
    assert write(out, [REFUSED]) == set()
    assert [row["path"] for row in read(out)] == ["b.jpg"]


def test_answers_of_another_model_are_not_continued(tmp_path: Path) -> None:
    out = tmp_path / "a.csv"
    interrupt(out, [PICTURE], CLIP)
    for other, words in (
        (Columns(COLUMNS.labels, "another", "d41d8.dir"), "answers of another model"),
        (Columns(["fake"], COLUMNS.version, "d41d8.dir"), "other columns"),
    ):
        with pytest.raises(DataError, match=words):
            write(out, [PICTURE], resume=True, columns=other)
