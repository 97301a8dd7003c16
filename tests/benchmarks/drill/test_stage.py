"""The stage on the stand-in project, whose stages copy what was made before."""

from pathlib import Path

import pytest

from benchmarks.drill.stage import clone, replace_data

pytestmark = pytest.mark.pipeline


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_data_that_is_taken_in_stays_below_the_drills_folder(standin, tmp_path):
    folder = tmp_path / "drill"
    folder.mkdir()
    before = files_in(standin.root)

    def replace(data: Path) -> str:
        assert not data.exists(), "nothing of the project's data is brought along"
        data.mkdir()
        (data / "restricted.bin").write_bytes(b"a face")
        return "replaced"

    said: list[str] = []
    root = clone(standin.root, folder, said.append, with_data=False)
    replace_data(root, replace, said.append)
    assert files_in(standin.root) == before
    assert any(path.read_bytes() == b"a face" for path in files_in(folder / "cache"))
    assert "replaced" in said
    assert (root / "data.dvc").read_text() != (standin.root / "data.dvc").read_text()
