import io
import re
from pathlib import Path

from unmask.data.examine import Caps
from unmask.data.forecast import forecast
from unmask.data.intake import Intake, take_stock
from unmask.data.sources.layout import Refused
from unmask.data.sources.tree import Tree


def test_what_would_be_taken_by_source_label_and_generator(sources: Path, tmp_path: Path) -> None:
    (sources / "news/real/camera/note.txt").write_text("hello")
    (sources / "news/real/camera/empty.jpg").touch()
    intake = take_stock(sources, tmp_path / "data", layout=None, source=None, caps=Caps())
    lines = list(forecast(intake))
    size = sum(path.stat().st_size for path in (sources / "news/fake/warp").iterdir())
    assert lines[0].split() == ["source", "label", "generator", "pictures", "clips", "bytes"]
    assert ["news", "fake", "warp", "2", "0", f"{size:,}"] in [line.split() for line in lines]
    assert lines[-3:] == [
        "quarantine:",
        "        1  empty file",
        "        1  not a JPEG, PNG, WebP, BMP or TIFF picture",
    ]
    assert not (tmp_path / "data").exists()


def test_many_reasons_are_cut_short() -> None:
    refused = [Refused("s", str(number), f"reason {number}") for number in range(30)]
    nowhere = Tree("x", "x", (), lambda path: io.BytesIO())
    lines = list(forecast(Intake(nowhere, "", refused=refused)))
    assert len(lines) == 22
    assert re.fullmatch(r" +10  for 10 other reasons", lines[-1])
