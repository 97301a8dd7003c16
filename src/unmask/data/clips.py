"""Clips to upright RGB frames, evenly over the whole clip: the only module that imports PyAV (extra `clips`)."""

import io
import struct
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from PIL import Image

from unmask.data.containers import container_of
from unmask.errors import ConfigError, DataError

# Against hostile clips: five hours at 50 frames a second, and some minutes of decoding.
MAX_FRAMES = 1_000_000
MAX_DECODED_MEGAPIXELS = 200_000.0
_HIGH_DEFINITION_LINES = 720
_BT709, _UNSPECIFIED, _BT601 = 1, 2, 5  # matrix coefficients of ITU-T H.273
# By the signs of the display matrix's a, b, c, d, where x' = a x + c y and y' = b x + d y.
_UPRIGHT: dict[tuple[int, ...], Image.Transpose] = {
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
}
_SIGNS_OF_QUARTERS: tuple[tuple[int, ...], ...] = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))


@dataclass(frozen=True)
class ClipFacts:
    """What a clip is: codec ("H264"), usual suffix of its container, upright size in px, frames, seconds."""

    codec: str
    suffix: str
    width: int
    height: int
    frames: int
    duration_s: float


@dataclass(frozen=True)
class Frame:
    """A decoded frame: RGB and upright, its number in order of presentation, its time in s after the first frame."""

    image: Image.Image
    number: int
    time_s: float


def looks_like_clip(head: bytes) -> bool:
    """Whether a file that begins with HEAD (64 bytes will do) is in a container of moving pictures."""
    return container_of(head) is not None


def probe(data: bytes, *, max_megapixels: float) -> ClipFacts:
    """Read what a clip is, and decode one frame to be sure that it can be used.

    Raises:
        DataError: no clip, no video stream, no frame can be decoded, or larger frames than allowed; the message
            is a short reason without a file name.
    """
    timeline = _packet_times(data, max_megapixels) or _frame_times(data, max_megapixels)
    with _opened(data, max_megapixels) as clip:
        first = next(clip.frames(), None)
        if first is None or timeline is None:
            raise DataError("no frame can be decoded")
        size = clip.upright(first).size
        return ClipFacts(clip.codec, clip.suffix, *size, len(timeline.times), timeline.seconds(timeline.end))


def read_frames(data: bytes, count: int, *, max_megapixels: float) -> list[Frame]:
    """Decode the frames shown at (i + 0.5) / COUNT of the clip's duration, i = 0..COUNT - 1, none of them twice.

    Presentation times decide, so a variable frame rate is honoured. Where one of these frames is damaged, all are
    chosen anew from those that decode. At most COUNT decoded frames are held.

    Raises:
        DataError: as probe; or more than MAX_FRAMES frames, or more than MAX_DECODED_MEGAPIXELS to decode.
    """
    timeline = _packet_times(data, max_megapixels)
    frames = _read_at(data, timeline, timeline.shown(count), max_megapixels) if timeline is not None else []
    if timeline is None or len(frames) < len(timeline.shown(count)):
        decodable = _frame_times(data, max_megapixels)
        if decodable is None:
            raise DataError("no frame can be decoded")
        # Straight through this time: the jump to a key frame may be what went wrong.
        straight = replace(timeline or decodable, keys=[])
        frames = _read_at(data, straight, decodable.shown(count), max_megapixels)
    return frames


def read_mask_frames(data: bytes, numbers: Sequence[int], *, max_megapixels: float) -> list[Image.Image]:
    """Decode the frames with these NUMBERS of a clip of masks to 8-bit grey, in the order of NUMBERS.

    Raises:
        DataError: as read_frames; or the clip of masks has no such frame.
    """
    timeline = _packet_times(data, max_megapixels) or _frame_times(data, max_megapixels)
    times = timeline.times if timeline is not None else []
    wanted = [times[number] for number in sorted(set(numbers)) if number < len(times)]
    frames = _read_at(data, timeline, wanted, max_megapixels) if timeline is not None else []
    masks = {frame.number: frame.image.convert("L") for frame in frames}
    lost = sorted(set(numbers) - set(masks))
    if lost:
        raise DataError(f"clip of masks has no frame {lost[0]} that can be decoded, of {len(times)} from 0 on")
    return [masks[number] for number in numbers]


@dataclass(frozen=True)
class _Timeline:
    """Presentation times of all frames and of the key frames, ascending, in units of so many seconds."""

    times: list[int]
    keys: list[int]
    end: int
    unit: Fraction

    def seconds(self, time: int) -> float:
        return float((time - self.times[0]) * self.unit)

    def number(self, time: int) -> int:
        return bisect_right(self.times, time) - 1

    def shown(self, count: int) -> list[int]:
        """Times of the frames that are shown in the middle of each of COUNT equal parts."""
        start, length = self.times[0], self.end - self.times[0]
        moments = (start + Fraction((2 * part + 1) * length, 2 * count) for part in range(count))
        return sorted({self.times[bisect_right(self.times, moment) - 1] for moment in moments})


@dataclass
class _Clip:
    """An open container and its video stream; what it decodes is counted against MAX_DECODED_MEGAPIXELS."""

    container: Any
    stream: Any
    suffix: str
    decoded_megapixels: float = 0.0
    signs: tuple[int, ...] | None = None

    @property
    def codec(self) -> str:
        return str(self.stream.codec_context.codec.canonical_name).upper()

    def packets(self) -> Iterator[Any]:
        """Packets with a picture from here on; what lies behind damage that can't be read over is not seen."""
        with suppress(_av().FFmpegError):
            for number, packet in enumerate(self.container.demux(self.stream)):
                if number > MAX_FRAMES:
                    raise DataError(f"more than {MAX_FRAMES:,} frames")
                # An empty packet would tell the decoder that the clip is over.
                if packet.size:
                    yield packet

    def frames(self, wanted: Collection[int] = ()) -> Iterator[Any]:
        """Whole frames from here on, in order of presentation; concealed damage counts as damage.

        Where some are WANTED, by their times, others that no frame refers to may be left out, which saves a third.
        """
        for packet in self.packets():
            if wanted:
                self.stream.codec_context.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
            yield from self._decode(packet)
        yield from self._decode(None)

    def seek(self, time: int) -> None:
        """Go to the key frame at or before TIME; where that fails, stay."""
        with suppress(_av().FFmpegError):
            self.container.seek(time, stream=self.stream)

    def upright(self, frame: Any) -> Image.Image:
        """A frame as RGB, turned as the first one is to be."""
        if self.signs is None:
            # Of a tiny copy: PyAV ties a frame and its side data into a circle, which keeps both for long.
            self.signs = _display_signs(frame.reformat(width=16, height=16, format="gray", threads=1))
        turn = _UPRIGHT.get(self.signs)
        return _rgb(frame) if turn is None else _rgb(frame).transpose(turn)

    def _decode(self, packet: Any) -> Iterator[Any]:
        self.decoded_megapixels += self.stream.codec_context.width * self.stream.codec_context.height / 1e6
        if self.decoded_megapixels > MAX_DECODED_MEGAPIXELS:
            raise DataError(f"more than {MAX_DECODED_MEGAPIXELS:,.0f} megapixels to decode")
        with suppress(_av().FFmpegError):
            for frame in self.stream.codec_context.decode(packet):
                if frame.pts is None:
                    frame.pts = frame.dts
                if frame.pts is not None and not frame.is_corrupt:
                    yield frame


def _read_at(data: bytes, timeline: _Timeline, times: list[int], max_megapixels: float) -> list[Frame]:
    with _opened(data, max_megapixels) as clip:
        return [
            Frame(clip.upright(found), timeline.number(found.pts), timeline.seconds(found.pts))
            for found in _frames_at(clip, timeline.keys, times)
        ]


def _frames_at(clip: _Clip, keys: list[int], wanted: list[int]) -> Iterator[Any]:
    """The frames at the ascending times WANTED, jumping ahead where a key frame lies between two of them."""
    # Without key frames the container's times are not to be relied on.
    needed = set(wanted) if keys else ()
    passed, coming, frame = min(1, len(keys)), clip.frames(needed), None
    for time in wanted:
        key = bisect_right(keys, time)
        if key > passed:
            clip.seek(time)
            coming, frame = clip.frames(needed), None
        passed = key
        while frame is None or frame.pts < time:
            frame = next(coming, None)
            if frame is None:
                break
        if frame is not None and frame.pts == time:
            yield frame


def _packet_times(data: bytes, max_megapixels: float) -> _Timeline | None:
    """The timeline as the container tells it, without decoding."""
    with _opened(data, max_megapixels) as clip:
        shown = [
            (packet.pts, packet.duration or 0, packet.is_keyframe)
            for packet in clip.packets()
            if packet.pts is not None and not packet.is_discard
        ]
        return _timeline(shown, clip.stream.time_base)


def _frame_times(data: bytes, max_megapixels: float) -> _Timeline | None:
    """The timeline of the frames that decode, without key frames."""
    with _opened(data, max_megapixels) as clip:
        return _timeline([(frame.pts, frame.duration or 0, False) for frame in clip.frames()], clip.stream.time_base)


def _timeline(shown: list[tuple[int, int, bool]], unit: Fraction) -> _Timeline | None:
    if not shown:
        return None
    times = sorted({time for time, _, _ in shown})
    last = max(duration for time, duration, _ in shown if time == times[-1])
    # Some containers leave the last frame's duration out: it is then as long as the one before.
    last = last or (times[-1] - times[-2] if len(times) > 1 else 1)
    return _Timeline(times, sorted({time for time, _, key in shown if key}), times[-1] + last, unit)


@contextmanager
def _opened(data: bytes, max_megapixels: float) -> Iterator[_Clip]:
    av = _av()
    found = container_of(data[:64])
    if found is None:
        raise DataError("not a clip in MP4, MOV, MKV, WebM, AVI, TS, MPG, FLV or WMV")
    # A named format, because some formats that would be guessed are lists of other files to open.
    name, suffix = found
    limit = {"max_pixels": str(int(max_megapixels * 1e6))}
    options = {"fflags": "+genpts+discardcorrupt", **limit}
    try:
        with av.open(io.BytesIO(data), format=name, options=options, metadata_errors="replace") as container:
            yield _Clip(container, _video_stream(container, limit, max_megapixels), suffix)
    except (av.FFmpegError, ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, ValueError) as error:
        raise DataError(f"damaged clip: {getattr(error, 'strerror', None) or type(error).__name__}") from error


def _video_stream(container: Any, limit: dict[str, str], max_megapixels: float) -> Any:
    stream = container.streams.best("video")
    # The cover picture of a piece of music counts as a stream.
    if stream is None or stream.disposition & _av().stream.Disposition.attached_pic:
        raise DataError("no video stream")
    context = stream.codec_context
    if context is None:
        raise DataError("no decoder for its video stream")
    if context.width * context.height > max_megapixels * 1e6:
        raise DataError(f"frames of more than {max_megapixels:g} megapixels")
    # The callers spread clips over processes; one thread each also keeps the result the same on every machine.
    context.thread_count = 1
    context.options = limit
    return stream


def _rgb(frame: Any) -> Image.Image:
    matrix = frame.colorspace
    if matrix == _UNSPECIFIED and not frame.format.is_rgb:
        # What players take where the clip does not say.
        matrix = _BT709 if frame.height >= _HIGH_DEFINITION_LINES else _BT601
    how = _av().video.reformatter.Interpolation
    exact = how.BICUBIC | how.ACCURATE_RND | how.FULL_CHR_H_INT | how.BITEXACT
    image: Image.Image = frame.to_image(src_colorspace=matrix, interpolation=exact, threads=1)
    return image


def _display_signs(frame: Any) -> tuple[int, ...]:
    try:
        matrix = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:
        # PyAV gives no side data at all where it doesn't know one of its kinds; the angle it still gives.
        return _SIGNS_OF_QUARTERS[round(frame.rotation / 90) % 4]
    if matrix is None:
        return _SIGNS_OF_QUARTERS[0]
    a, b, _, c, d = struct.unpack_from("=5i", matrix)
    upright = abs(a) + abs(d) >= abs(b) + abs(c)
    return tuple((part > 0) - (part < 0) for part in ((a, 0, 0, d) if upright else (0, b, c, 0)))


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise ConfigError("clips need the extra `clips` (pip install 'unmask[clips]')") from None
    return av
