import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import module_of_extra
from unmask.data.batches import list_batches, read_index
from unmask.data.examine import Caps
from unmask.data.forget import Selection, forget
from unmask.data.ingest import ingest
from unmask.data.intake import settle, take_stock

take = partial(ingest, today="2026-11-21")
REAL = "original_sequences/youtube/c23/images/000/0000.png"
FAKE = "manipulated_sequences/Deepfakes/c23/images/000_003/0000.png"


@pytest.fixture
def root(tmp_path: Path, put_picture: Callable[..., Path], draw_picture: Callable[..., Image.Image]) -> Path:
    put_picture(tmp_path / "FF++" / REAL, draw_picture(1))
    put_picture(tmp_path / "FF++" / FAKE, draw_picture(2))
    return tmp_path / "FF++"


def test_an_original_of_an_earlier_batch_is_the_pair(root: Path, tmp_path: Path) -> None:
    later = Path(shutil.copytree(root / "manipulated_sequences", tmp_path / "later/manipulated_sequences")).parent
    shutil.rmtree(root / "manipulated_sequences")
    take(root, tmp_path / "data")
    take(later, tmp_path / "data")
    first, second = (read_index(batch) for batch in list_batches(tmp_path / "data"))
    assert second["pair_sha256"].tolist() == first["raw_sha256"].tolist()


def test_a_lost_original_is_mentioned(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / REAL).write_bytes(b"broken")
    take(root, tmp_path / "data")
    assert f"1 originals that fakes name are not here or can't be used (first: {REAL})" in capsys.readouterr().err
    (index,) = (read_index(batch) for batch in list_batches(tmp_path / "data"))
    assert index["pair_sha256"].tolist() == [""]


def test_what_comes_in_or_is_forgotten_meanwhile_is_not_taken(root: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    intake = take_stock(root, data, layout=None, source=None, caps=Caps())
    assert len(intake.new) == 2
    take(root, data)
    forget(data, Selection(path=FAKE), yes=True)
    settle(intake, data)
    assert (intake.new, intake.known, intake.forgotten) == ([], 1, 1)


def test_a_clip_is_taken_with_its_bytes_and_its_name(tmp_path: Path) -> None:
    av = module_of_extra("av", "clips")
    path = tmp_path / "in/news/real/camera/street.mp4"
    path.parent.mkdir(parents=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (64, 48)))))
        container.mux(stream.encode(None))
    (path.parent / "cut.mp4").write_bytes(path.read_bytes()[:100])
    summary = take(tmp_path / "in", tmp_path / "data")
    assert summary.startswith("0 pictures and 1 clips (1 real), 0 known or repeated, 1 quarantined")
    (index,) = (read_index(batch) for batch in list_batches(tmp_path / "data"))
    (row,) = index.to_dict("records")
    assert row["clip"] == "real/camera/street"
    assert row["key"].endswith(f"{row['raw_sha256']}.mp4")
    assert row["bytes"] == path.stat().st_size
    assert take(tmp_path / "in", tmp_path / "data").startswith("nothing new, 1 known already, 1 unusable")
