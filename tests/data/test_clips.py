import functools
import io
import tempfile
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.conftest import module_of_extra
from unmask.data import video
from unmask.data.clips import ClipFacts, Frame, looks_like_clip, probe, read_frames, read_mask_frames
from unmask.data.stills import Limits, stills_of
from unmask.data.video import Video
from unmask.errors import ConfigError, DataError, ResourceError

av = module_of_extra("av", "clips")

SIZE = (64, 48)
CODECS = {
    "mp4": ("mp4", "libx264"),
    "mov": ("mov", "libx264"),
    "mkv": ("matroska", "ffv1"),
    "webm": ("webm", "libvpx-vp9"),
    "avi": ("avi", "mpeg4"),
    "ts": ("mpegts", "mpeg2video"),
    "mpg": ("mpeg", "mpeg1video"),
    "flv": ("flv", "flv1"),
    "wmv": ("asf", "wmv2"),
}


def shade(number: int) -> Image.Image:
    """A grey that tells the frame's number even after lossy coding, brighter in the upper left corner."""
    pixels = np.full((SIZE[1], SIZE[0], 3), 20 + 5 * number, dtype=np.uint8)
    pixels[: SIZE[1] // 2, : SIZE[0] // 2] = 255
    return Image.fromarray(pixels)


def number_of(image: Image.Image) -> int:
    """The number of a shade, read off its lower right corner."""
    pixels = np.asarray(image.convert("L"))
    return round((float(pixels[pixels.shape[0] * 3 // 4 :, pixels.shape[1] * 3 // 4 :].mean()) - 20) / 5)


def make_clip(
    suffix: str = "mp4",
    *,
    count: int = 40,
    times: list[int] | None = None,
    gop: int = 12,
    rotation: float | None = None,
    flip: bool = False,
    draw: Callable[[int], Image.Image] = shade,
    codec: str | None = None,
    options: dict[str, str] | None = None,
    **context: object,
) -> bytes:
    """COUNT shades at 25 frames a second, or at TIMES in milliseconds."""
    kind, usual = CODECS[suffix]
    stream = io.BytesIO()
    with av.open(stream, "w", format=kind, options=options or {}) as container:
        video = container.add_stream(codec or usual, rate=25)
        video.width, video.height = SIZE
        video.pix_fmt = "yuv420p"
        video.codec_context.gop_size = gop
        video.bit_rate = 2_000_000
        if times is not None:
            video.codec_context.time_base = Fraction(1, 1000)
        for name, value in context.items():
            setattr(video.codec_context, name, value)
        if rotation is not None or flip:
            video.set_display_rotation(rotation or 0, hflip=flip)
        for number in range(count):
            frame = av.VideoFrame.from_image(draw(number))
            if times is not None:
                frame.pts, frame.time_base = times[number], Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return stream.getvalue()


def rough(number: int) -> Image.Image:
    """A shade under noise, so that every frame takes many bytes."""
    noise = np.random.default_rng(number).integers(-20, 20, (SIZE[1], SIZE[0], 3))
    return Image.fromarray((np.asarray(shade(number)) + noise).clip(0, 255).astype(np.uint8))


def table_first(clip: bytes) -> bytes:
    """An MP4 or MOV clip as it is, with the table of its frames moved to its beginning."""
    if clip[4:8] != b"ftyp":
        return clip
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        with av.open(io.BytesIO(clip)) as source, av.open(file.name, "w", options={"movflags": "faststart"}) as target:
            video = target.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(source.streams.video[0]):
                if packet.dts is not None:
                    packet.stream = video
                    target.mux(packet)
        return Path(file.name).read_bytes()


def audio_only() -> bytes:
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        audio = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    return stream.getvalue()


def numbers_in(frames: list[Frame]) -> list[int]:
    assert [number_of(frame.image) for frame in frames] == [frame.number for frame in frames]
    return [frame.number for frame in frames]


@pytest.mark.parametrize("suffix", CODECS)
def test_frames_are_spread_over_the_whole_clip(suffix: str) -> None:
    """U-E4."""
    clip = make_clip(suffix)
    assert looks_like_clip(clip[:64])
    frames = read_frames(clip, 4, max_megapixels=1)
    assert numbers_in(frames) == [5, 15, 25, 35]
    assert [frame.time_s for frame in frames] == pytest.approx([0.2, 0.6, 1.0, 1.4], abs=2e-3)
    assert {(frame.image.mode, frame.image.size) for frame in frames} == {("RGB", SIZE)}


@pytest.mark.parametrize("suffix", CODECS)
def test_facts_of_a_clip(suffix: str) -> None:
    facts = probe(make_clip(suffix), max_megapixels=1)
    codec = {"libx264": "H264", "libvpx-vp9": "VP9"}.get(CODECS[suffix][1], CODECS[suffix][1].upper())
    assert (facts.codec, facts.suffix, facts.width, facts.height, facts.frames) == (codec, suffix, *SIZE, 40)
    assert facts.duration_s == pytest.approx(1.6, abs=0.01)


def test_a_variable_frame_rate_is_honoured() -> None:
    # Thirty frames in the first 0.3 s, then ten of 0.27 s each: even numbers would look at the beginning only.
    times = [10 * number for number in range(30)] + [300 + 270 * number for number in range(10)]
    clip = make_clip(times=times, count=40)
    duration_ms = probe(clip, max_megapixels=1).duration_s * 1000
    assert times[-1] < duration_ms <= times[-1] + 270
    frames = read_frames(clip, 10, max_megapixels=1)
    moments = [(part + 0.5) * duration_ms / 10 for part in range(10)]
    assert numbers_in(frames) == [max(n for n in range(40) if times[n] <= moment) for moment in moments]
    assert [frame.time_s for frame in frames] == pytest.approx([times[frame.number] / 1000 for frame in frames])


@pytest.mark.parametrize("gop", [1, 7, 250])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts"])
def test_jumping_to_key_frames_changes_no_pixel(suffix: str, gop: int) -> None:
    clip = make_clip(suffix, gop=gop)
    everything = {frame.number: frame for frame in read_frames(clip, 400, max_megapixels=1)}
    assert list(everything) == list(range(40))
    for frame in read_frames(clip, 3, max_megapixels=1):
        assert frame.image.tobytes() == everything[frame.number].image.tobytes()
        assert frame.time_s == everything[frame.number].time_s


def test_a_clip_shorter_than_asked_gives_each_frame_once() -> None:
    """U-E4."""
    assert numbers_in(read_frames(make_clip(count=3), 8, max_megapixels=1)) == [0, 1, 2]
    assert numbers_in(read_frames(make_clip(count=1), 8, max_megapixels=1)) == [0]


def test_a_clip_of_one_frame_has_its_duration() -> None:
    facts = probe(make_clip(count=1), max_megapixels=1)
    assert (facts.frames, facts.duration_s) == (1, pytest.approx(0.04))


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_frames_come_upright(rotation: int, flip: bool) -> None:
    stored = np.asarray(read_frames(make_clip(), 1, max_megapixels=1)[0].image)
    clip = make_clip(rotation=rotation, flip=flip)
    shown = np.rot90(stored, rotation // 90)
    expected = shown[:, ::-1] if flip else shown
    upright = read_frames(clip, 1, max_megapixels=1)[0].image
    assert np.array_equal(np.asarray(upright), expected)
    facts = probe(clip, max_megapixels=1)
    assert (facts.width, facts.height) == upright.size


@pytest.mark.parametrize(("matrix", "luma"), [("bt709", (0.2126, 0.0722)), ("smpte170m", (0.299, 0.114))])
@pytest.mark.parametrize("full", [False, True])
def test_matrix_and_range_are_taken_from_the_clip(matrix: str, luma: tuple[float, float], full: bool) -> None:
    codes = {"bt709": 1, "smpte170m": 6}
    kept = {"color_range": 2 if full else 1, "colorspace": codes[matrix], "pix_fmt": "yuv444p"}
    y, cb, cr = 140, 100, 170
    stream = io.BytesIO()
    with av.open(stream, "w", format="matroska") as container:
        video = container.add_stream("ffv1", rate=25)
        video.width, video.height = SIZE
        for name, value in kept.items():
            setattr(video.codec_context, name, value)
        planes = np.stack([np.full((SIZE[1], SIZE[0]), value, dtype=np.uint8) for value in (y, cb, cr)])
        frame = av.VideoFrame.from_ndarray(planes, format="yuv444p")
        frame.colorspace, frame.color_range = kept["colorspace"], kept["color_range"]
        container.mux(video.encode(frame))
        container.mux(video.encode(None))
    found = np.asarray(read_frames(stream.getvalue(), 1, max_megapixels=1)[0].image)[5, 5]
    red, blue = luma
    grey, scale = (y, 1.0) if full else ((y - 16) * 255 / 219, 255 / 224)
    blueness, redness = (cb - 128) * scale, (cr - 128) * scale
    r, b = grey + 2 * (1 - red) * redness, grey + 2 * (1 - blue) * blueness
    g = (grey - red * r - blue * b) / (1 - red - blue)
    assert np.abs(found - np.array([r, g, b])).max() <= 1.5


def test_a_clip_without_pictures_is_refused() -> None:
    for read in (lambda clip: probe(clip, max_megapixels=1), lambda clip: read_frames(clip, 4, max_megapixels=1)):
        with pytest.raises(DataError, match="no video stream"):
            read(audio_only())


@pytest.mark.parametrize("suffix", CODECS)
def test_a_clip_of_zero_frames_is_refused(suffix: str) -> None:
    clip = make_clip(suffix, count=0)
    with pytest.raises(DataError):
        probe(clip, max_megapixels=1)
    with pytest.raises(DataError):
        read_frames(clip, 4, max_megapixels=1)


def test_a_wrong_header_is_refused() -> None:
    clip = make_clip()
    for broken in (b"\x1a\x45\xdf\xa3" + clip[4:], clip[:32] + b"\xff" * (len(clip) - 32), clip[:8], b""):
        with pytest.raises(DataError):
            probe(broken, max_megapixels=1)
        with pytest.raises(DataError):
            read_frames(broken, 4, max_megapixels=1)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("suffix", CODECS)
def test_a_truncated_clip_gives_whole_frames_evenly_over_the_rest(suffix: str, share: float) -> None:
    whole = table_first(make_clip(suffix, draw=rough))
    truth = {frame.number: frame.image.tobytes() for frame in read_frames(whole, 400, max_megapixels=1)}
    frames = read_frames(whole[: int(len(whole) * share)], 4, max_megapixels=1)
    numbers = [frame.number for frame in frames]
    assert all(frame.image.tobytes() == truth[frame.number] for frame in frames)
    assert len(numbers) == 4
    assert 40 * share * 0.5 < numbers[-1] < 40 * (share + 0.1)
    assert np.ptp(np.diff(numbers)) <= 2


@pytest.mark.parametrize("suffix", CODECS)
def test_damage_in_the_middle_costs_the_frames_it_hit(suffix: str) -> None:
    whole = table_first(make_clip(suffix, draw=rough, gop=5))
    truth = {round(25 * frame.time_s): np.asarray(frame.image) for frame in read_frames(whole, 400, max_megapixels=1)}
    start = int(len(whole) * 0.6)
    frames = read_frames(whole[:start] + bytes(400) + whole[start + 400 :], 400, max_megapixels=1)
    found = [(truth[round(25 * frame.time_s)], np.asarray(frame.image, dtype=int)) for frame in frames]
    unlike = [float(np.abs(expected - pixels).mean()) >= 1 for expected, pixels in found]
    # What refers to the damaged frame may be smeared up to the next key frame.
    assert len(frames) >= 25
    assert unlike.count(True) <= 5
    assert not any(unlike[:18])


def test_a_clip_whose_table_is_cut_off_is_refused() -> None:
    clip = make_clip()
    with pytest.raises(DataError):
        read_frames(clip[: len(clip) // 2], 4, max_megapixels=1)


def test_a_clip_whose_times_run_backwards_is_refused_where_no_frame_is_found() -> None:
    clip = bytearray(make_clip("mkv", codec="mjpeg", times=[0, 999], count=2, pix_fmt="yuvj420p", gop=1))
    for time, other in ((0, 1000), (999, 1)):
        # A block: track 1, its time in 16 bits, the flag of a key frame, a JPEG.
        start = clip.index(b"\x81" + time.to_bytes(2, "big") + b"\x80\xff\xd8") + 1
        clip[start : start + 2] = other.to_bytes(2, "big")
    with pytest.raises(DataError, match="no frame can be decoded"):
        read_frames(bytes(clip), 4, max_megapixels=1)


def test_too_many_pixels_are_never_decoded() -> None:
    clip = make_clip()
    for read in (lambda: probe(clip, max_megapixels=0.001), lambda: read_frames(clip, 4, max_megapixels=0.001)):
        with pytest.raises(DataError, match=r"more than 0\.001 megapixels"):
            read()


def test_decoding_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_clip()
    monkeypatch.setattr("unmask.data.video.MAX_FRAMES", 30)
    with pytest.raises(DataError, match="more than 30 frames"):
        read_frames(clip, 4, max_megapixels=1)
    monkeypatch.undo()
    monkeypatch.setattr("unmask.data.video.MAX_DECODED_MEGAPIXELS", 0.05)
    with pytest.raises(DataError, match="megapixels to decode"):
        read_frames(clip, 4, max_megapixels=1)


def test_masks_come_for_the_same_frames() -> None:
    clip = make_clip("mkv")
    masks = read_mask_frames(clip, [35, 5, 15], max_megapixels=1)
    assert [number_of(mask) for mask in masks] == [35, 5, 15]
    assert {mask.mode for mask in masks} == {"L"}


def test_frames_that_a_clip_of_masks_lacks_have_no_mask() -> None:
    clip = make_clip("mkv")
    there, lacking, last = read_mask_frames(clip, [3, 40, 39], max_megapixels=1)
    assert there is not None
    assert lacking is None
    assert last is not None
    assert (number_of(there), number_of(last)) == (3, 39)


def test_a_clip_is_read_through_once_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    monkeypatch.setattr(av, "open", lambda *args, _open=av.open, **kwargs: opened.append(1) or _open(*args, **kwargs))
    clip = make_clip()
    opened.clear()
    limits = Limits(max_megapixels=1, max_megabytes=1, max_clip_megabytes=1, clip_frames=3)
    assert [still.history.format for still in stills_of(clip, b"", limits)] == ["H264"] * 3
    assert len(opened) == 2


def out_of_memory(*_: object, **__: object) -> None:
    raise av.error.MemoryError(12, "Cannot allocate memory")


@pytest.mark.parametrize("where", ["_rgb", "_turn", "_video_stream"])
@pytest.mark.parametrize(
    ("error", "expected"), [(MemoryError(), ResourceError), (av.error.MemoryError(12, "no memory"), DataError)]
)
def test_python_running_out_of_memory_is_no_damage_ffmpeg_that_says_so_is(
    where: str, error: Exception, expected: type[DataError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def starve(*_: object, **__: object) -> None:
        raise error

    clip = make_clip()
    monkeypatch.setattr(f"unmask.data.video.{where}", starve)
    with pytest.raises(DataError, match="memory") as caught:
        read_frames(clip, 3, max_megapixels=1)
    assert caught.type is expected


def test_running_out_of_memory_costs_no_frame_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_clip()
    monkeypatch.setattr(video, "Video", lambda container, *rest: Video(Starved(container), *rest))
    with pytest.raises(DataError, match="asks for more memory"):
        read_frames(clip, 3, max_megapixels=1)


class Starved:
    """A container that gets no memory for its sixth packet."""

    def __init__(self, container: object) -> None:
        self.demux = lambda stream: (packet for packet in container.demux(stream) if next(self.left) or out_of_memory())
        self.left = iter([True] * 5 + [False])


WHOLE = functools.cache(lambda suffix: table_first(make_clip(suffix, count=12)))


@given(st.data())
def test_damaged_bytes_decode_or_are_refused(data: st.DataObject) -> None:
    content = bytearray(WHOLE(data.draw(st.sampled_from(sorted(CODECS)))))
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        frames = read_frames(bytes(content), 4, max_megapixels=1)
    except DataError:
        return
    numbers = [frame.number for frame in frames]
    assert numbers == sorted(set(numbers))
    assert 1 <= len(numbers) <= 4


def test_no_thread_is_left_behind() -> None:
    clip = make_clip()
    before = threading.active_count(), native_threads()
    for _ in range(5):
        read_frames(clip, 4, max_megapixels=1)
    assert (threading.active_count(), native_threads()) == before


def native_threads() -> int:
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else 0


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = make_clip()
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(ConfigError, match="clips need the extra `clips`"):
        probe(clip, max_megapixels=1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "ICO", "PPM"])
def test_pictures_are_no_clips(kind: str) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (16, 16)).save(stream, kind)
    assert not looks_like_clip(stream.getvalue()[:64])


@pytest.mark.parametrize("head", [b"", b"G", b"Get the clip", b"<!DOCTYPE html>", b"%PDF-1.7", b"RIFF\0\0\0\0WAVEfmt "])
def test_other_files_are_no_clips(head: bytes) -> None:
    assert not looks_like_clip(head)


@pytest.mark.parametrize("brand", [b"heic", b"avif", b"mif1"])
def test_stills_in_a_clip_container_are_no_clips(brand: bytes) -> None:
    assert not looks_like_clip(b"\0\0\0\x1cftyp" + brand + b"\0\0\0\0")


def test_a_playlist_is_never_opened(tmp_path: Path) -> None:
    inside = tmp_path / "inside.ts"
    inside.write_bytes(make_clip("ts"))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{inside}\n#EXT-X-ENDLIST\n".encode()
    assert not looks_like_clip(playlist)
    with pytest.raises(DataError, match="not a clip"):
        probe(playlist, max_megapixels=1)


@pytest.fixture
def real_clips(real_data: Path) -> list[Path]:
    return sorted((real_data / "videos").glob("*.mp4"))


@pytest.mark.real
def test_real_clips_are_spread_and_stable(real_clips: list[Path]) -> None:
    assert real_clips
    data = real_clips[-1].read_bytes()
    facts = probe(data, max_megapixels=50)
    assert facts == ClipFacts("H264", "mp4", 1920, 1080, 300, facts.duration_s)
    assert facts.duration_s == pytest.approx(10, abs=0.1)
    frames = read_frames(data, 2, max_megapixels=50)
    assert [frame.number for frame in frames] == pytest.approx([75, 225], abs=1)
    assert [frame.time_s for frame in frames] == pytest.approx([2.5, 7.5], abs=0.05)
