import pytest

from benchmarks.drill.scratch import remove_results, scratch_folder


def break_off(out):
    with scratch_folder(out, keep=False) as folder:
        (folder / "logs/service.log").write_text("started")
        raise ValueError("broke off")


def test_the_folder_goes_and_its_logs_stay(tmp_path, monkeypatch):
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    old = tmp_path / "drill-logs"
    old.mkdir()
    for name in ("old.log", "notes.txt"):
        (old / name).write_text("mine")
    with pytest.raises(ValueError, match="broke off"):
        break_off(tmp_path)
    assert not list((tmp_path / "scratch").iterdir())
    assert sorted(path.name for path in old.iterdir()) == ["notes.txt", "service.log"]


def test_the_folder_goes_where_its_logs_cannot_be_kept(tmp_path):
    (tmp_path / "drill-logs").write_text("a file in the way")
    with pytest.raises(FileExistsError), scratch_folder(tmp_path, keep=False) as folder:
        pass
    assert not folder.exists()


def test_it_stays_where_asked(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with scratch_folder(tmp_path / "out", keep=True) as folder:
        pass
    assert folder.is_dir()
    assert str(folder) in capsys.readouterr().err


def test_results_of_an_earlier_drill_go_and_nothing_else(tmp_path):
    for name in ("drill.md", "drill.json", "drill.png", "other.md"):
        (tmp_path / name).write_text("old")
    remove_results(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other.md"]
    remove_results(tmp_path / "nowhere")
