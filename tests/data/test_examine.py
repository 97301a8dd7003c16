import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import unmask.data.examine
from tests.conftest import module_of_extra
from unmask.data.clips import ClipFacts
from unmask.data.examine import Caps, Entry, examine, read_mask
from unmask.data.sources.layout import Found, Refused
from unmask.data.sources.tree import Tree
from unmask.errors import DataError

CLIP = b"\0\0\0\x18ftypmp42" + bytes(100)
FACTS = ClipFacts("H264", "mp4", 64, 48, 30, 1.0)


def png(size: tuple[int, int] = (64, 48), mode: str = "RGB", kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, kind)
    return stream.getvalue()


def one_valued(value: int) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (64, 48), value).save(stream, "PNG")
    return stream.getvalue()


def tree(**files: bytes) -> Tree:
    return Tree("root", "root", tuple(sorted(files)), lambda path: io.BytesIO(files[path]))


def found(file: str, *, path: str = "", clip: str = "", mask: str = "") -> Found:
    return Found(file, "news", path or file, "fake", "swap", clip=clip, mask=mask)


def look(held: Tree, picture: Found, caps: Caps | None = None) -> Entry:
    entry = examine(picture, held, caps or Caps())
    assert isinstance(entry, Entry)
    return entry


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> Callable[[ClipFacts | str], None]:
    """Let PyAV say this of every clip, or refuse it with a reason."""

    def say(facts: ClipFacts | str) -> None:
        def probe(data: bytes, *, max_megapixels: float) -> ClipFacts:
            if isinstance(facts, str):
                raise DataError(facts)
            return facts

        monkeypatch.setattr(unmask.data.examine, "probe", probe)

    return say


def test_a_clip_keeps_its_bytes_and_is_named_by_its_path(probed) -> None:
    probed(FACTS)
    entry = look(tree(a=CLIP), found("a", path="fake/swap/take 1.MP4"))
    assert (entry.suffix, entry.size, entry.moving, entry.bytes) == ("mp4", (64, 48), True, len(CLIP))
    assert entry.clip == "fake/swap/take 1"
    assert entry.member == f"{entry.sha256}.mp4"


def test_the_layout_s_clip_comes_first_and_a_picture_has_none(probed) -> None:
    probed(FACTS)
    held = tree(a=CLIP, b=png())
    assert look(held, found("a", clip="Deepfakes/c23/000_003")).clip == "Deepfakes/c23/000_003"
    assert look(held, found("b", clip="Deepfakes/c23/000_003")).clip == "Deepfakes/c23/000_003"
    assert look(held, found("b")).clip == ""


@pytest.mark.parametrize("reason", ["no video stream", "clips need the extra `clips` (pip install 'unmask[clips]')"])
def test_a_clip_that_can_t_be_used_is_refused_with_its_reason(probed, reason: str) -> None:
    probed(reason)
    assert examine(found("a"), tree(a=CLIP), Caps()) == Refused("news", "a", reason)


def test_clips_and_pictures_have_their_own_caps(probed) -> None:
    probed(FACTS)
    caps = Caps(max_megabytes=1e-5, max_clip_megabytes=1e-3)
    held = tree(clip=CLIP, picture=png(), long=CLIP + bytes(1000))
    assert isinstance(examine(found("clip"), held, caps), Entry)
    assert examine(found("picture"), held, caps) == Refused("news", "picture", "larger than 1e-05 MB")
    assert examine(found("long"), held, caps) == Refused("news", "long", "larger than 0.001 MB")


def test_a_mask_of_a_clip_is_kept_as_it_is(probed) -> None:
    probed(FACTS)
    held = tree(a=CLIP, m=CLIP + b"mask")
    mask = read_mask(look(held, found("a", mask="m")), held, Caps())
    assert mask is not None
    assert (mask.data, mask.suffix) == (CLIP + b"mask", "mp4")


def test_a_mask_of_a_picture_becomes_a_png(probed) -> None:
    held = tree(a=png(), m=png(mode="L", kind="BMP"), p=png(mode="L"))
    other, same = (read_mask(look(held, found("a", mask=name)), held, Caps()) for name in "mp")
    assert other is not None
    assert other.data.startswith(b"\x89PNG")
    assert same is not None
    assert same.data == png(mode="L")


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (png((10, 10), "L"), "root/m: is 10 x 10, its picture 64 x 48"),
        (one_valued(1), "root/m: marks nothing: 255 is altered, its brightest value is 1"),
        (CLIP, "root/m: is a clip, masks a picture"),
        (b"", "root/m: empty file"),
        (b"<html>", "root/m: not a JPEG"),
    ],
)
def test_a_mask_that_does_not_fit_is_an_error(probed, mask: bytes, message: str) -> None:
    probed(FACTS)
    held = tree(a=png(), m=mask)
    with pytest.raises(DataError, match=message):
        read_mask(look(held, found("a", mask="m")), held, Caps())


def test_no_mask_is_none() -> None:
    held = tree(a=png())
    assert read_mask(look(held, found("a")), held, Caps()) is None


def test_a_real_clip_and_one_cut_short(tmp_path: Path) -> None:
    av = module_of_extra("av", "clips")
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for shade in (0, 100, 200):
            frame = av.VideoFrame.from_image(Image.new("RGB", (64, 48), (shade, 50, 50)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data = path.read_bytes()
    entry = look(tree(a=data), found("a"))
    assert (entry.suffix, entry.size) == ("mp4", (64, 48))
    assert isinstance(examine(found("a"), tree(a=data[:200]), Caps()), Refused)
