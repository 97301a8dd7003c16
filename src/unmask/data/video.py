"""The video stream of a clip: its packets and upright RGB frames; the only module that imports PyAV (extra `clips`)."""

import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from PIL import Image

from unmask.data.containers import FORMATS, container_of
from unmask.data.rotation import turn_by_angle, turn_by_matrix
from unmask.errors import ConfigError, DataError, ResourceError

# Against hostile clips: five hours at 50 frames a second, and some minutes of decoding.
MAX_FRAMES = 1_000_000
MAX_DECODED_MEGAPIXELS = 200_000.0
_HIGH_DEFINITION_LINES = 720
_BT709, _UNSPECIFIED, _BT601 = 1, 2, 5  # matrix coefficients of ITU-T H.273


@contextmanager
def open_video(data: bytes, max_megapixels: float) -> Iterator["Video"]:
    """Give the best video stream of a clip, from its beginning.

    Raises:
        ResourceError: memory ran out.
        DataError: no clip, no video stream, damaged, or larger frames than allowed; also for what the caller meets.
    """
    av = _av()
    suffix = container_of(data[:64])
    if suffix is None:
        raise DataError(f"not a clip in {', '.join(FORMATS)}")
    limit = {"max_pixels": str(int(max_megapixels * 1e6))}
    options = {"fflags": "+genpts+discardcorrupt", **limit}
    try:
        # A named format, because some formats that would be guessed are lists of other files to open.
        with av.open(io.BytesIO(data), format=FORMATS[suffix], options=options, metadata_errors="replace") as container:
            yield Video(container, _video_stream(container, limit, max_megapixels), suffix)
    except MemoryError as error:
        # FFmpeg says so, by an error that is this one too, of sizes that a hostile file claims.
        if isinstance(error, av.FFmpegError):
            raise DataError("damaged clip: it asks for more memory than there is") from error
        raise ResourceError("memory ran out while the clip was decoded") from None
    except (av.FFmpegError, ArithmeticError, LookupError, OSError, RuntimeError, ValueError) as error:
        raise DataError(f"damaged clip: {getattr(error, 'strerror', None) or type(error).__name__}") from error


@dataclass
class Video:
    """An open container and its video stream; what it decodes is counted against MAX_DECODED_MEGAPIXELS."""

    container: Any
    stream: Any
    suffix: str
    decoded_megapixels: float = 0.0
    turns: tuple[Image.Transpose | None, ...] = ()  # of the first frame, once it is known

    @property
    def codec(self) -> str:
        """FFmpeg's name of the codec, in capitals ("H264")."""
        return str(self.stream.codec_context.codec.canonical_name).upper()

    @property
    def time_base(self) -> Fraction:
        """Seconds in a unit of the times of packets and frames."""
        base: Fraction = self.stream.time_base
        return base

    def packets(self) -> Iterator[Any]:
        """Packets with a picture from here on; what lies behind damage that can't be read over is not seen."""
        with _damage_ends_it():
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
        if not self.turns:
            # Of a tiny copy: PyAV ties a frame and its side data into a circle, which keeps both for long.
            self.turns = (_turn(frame.reformat(width=16, height=16, format="gray", threads=1)),)
        turn = self.turns[0]
        return _rgb(frame) if turn is None else _rgb(frame).transpose(turn)

    def _decode(self, packet: Any) -> Iterator[Any]:
        self.decoded_megapixels += self.stream.codec_context.width * self.stream.codec_context.height / 1e6
        if self.decoded_megapixels > MAX_DECODED_MEGAPIXELS:
            raise DataError(f"more than {MAX_DECODED_MEGAPIXELS:,.0f} megapixels to decode")
        with _damage_ends_it():
            for frame in self.stream.codec_context.decode(packet):
                if frame.pts is None:
                    frame.pts = frame.dts
                if frame.pts is not None and not frame.is_corrupt:
                    yield frame


@contextmanager
def _damage_ends_it() -> Iterator[None]:
    try:
        yield
    except MemoryError:
        # FFmpeg's error for it is one of its errors as well, but says nothing about the clip.
        raise
    except _av().FFmpegError:
        pass


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


def _turn(frame: Any) -> Image.Transpose | None:
    try:
        matrix = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:
        # PyAV gives no side data at all where it doesn't know one of its kinds; the angle it still gives.
        return turn_by_angle(frame.rotation)
    return None if matrix is None else turn_by_matrix(matrix)


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise ConfigError("clips need the extra `clips` (pip install 'unmask[clips]')") from None
    return av
