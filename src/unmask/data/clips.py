"""Clips to upright RGB frames, evenly over the whole clip; which frames are taken is decided by presentation time."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from unmask.data.containers import container_of
from unmask.data.timeline import Timeline
from unmask.data.video import Video, open_video
from unmask.errors import DataError


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
    """A decoded frame: RGB and upright, its number in order of presentation, s after the first frame, its codec."""

    image: Image.Image
    number: int
    time_s: float
    codec: str


def looks_like_clip(head: bytes) -> bool:
    """Whether a file that begins with HEAD (64 bytes will do) is in a container of moving pictures."""
    return container_of(head) is not None


def probe(data: bytes, *, max_megapixels: float) -> ClipFacts:
    """Read what a clip is, and decode one frame to be sure that it can be used.

    Raises:
        ResourceError: memory ran out.
        DataError: no clip, no video stream, no frame can be decoded, or larger frames than allowed; the message
            is a short reason without a file name.
    """
    timeline = _timeline(data, max_megapixels)
    with open_video(data, max_megapixels) as video:
        first = next(video.frames(), None)
        if first is None or timeline is None:
            raise DataError("no frame can be decoded")
        size = video.upright(first).size
        return ClipFacts(video.codec, video.suffix, *size, len(timeline.times), timeline.duration_s)


def read_frames(data: bytes, count: int, *, max_megapixels: float) -> list[Frame]:
    """Decode the frames shown at (i + 0.5) / COUNT of the clip's duration, i = 0..COUNT - 1, none of them twice.

    Presentation times decide, so a variable frame rate is honoured. Where one of these frames is damaged, all are
    chosen anew from those that decode. At most COUNT decoded frames are held.

    Raises:
        ResourceError: memory ran out.
        DataError: as probe; or more than MAX_FRAMES frames, or more than MAX_DECODED_MEGAPIXELS to decode.
    """
    timeline = _packet_times(data, max_megapixels)
    frames = _read_at(data, timeline, timeline.shown(count), max_megapixels) if timeline is not None else []
    if timeline is None or len(frames) < len(timeline.shown(count)):
        decodable, frames = _frame_times(data, max_megapixels), []
        if decodable is not None:
            # Straight through this time: the jump to a key frame may be what went wrong.
            straight = replace(timeline or decodable, keys=[])
            frames = _read_at(data, straight, decodable.shown(count), max_megapixels)
    if not frames:
        # Frames that decode, but not in the order of their times, may also be missed.
        raise DataError("no frame can be decoded")
    return frames


def read_mask_frames(data: bytes, numbers: Sequence[int], *, max_megapixels: float) -> list[Image.Image | None]:
    """Decode the frames with these NUMBERS of a clip of masks to 8-bit grey, in their order; None where it has none.

    Raises:
        ResourceError: memory ran out.
        DataError: as read_frames, but for frames that are missing.
    """
    timeline = _timeline(data, max_megapixels)
    if timeline is None:
        return [None] * len(numbers)
    wanted = [timeline.times[number] for number in sorted(set(numbers)) if number < len(timeline.times)]
    frames = _read_at(data, timeline, wanted, max_megapixels)
    masks = {frame.number: frame.image.convert("L") for frame in frames}
    return [masks.get(number) for number in numbers]


def _read_at(data: bytes, timeline: Timeline, times: list[int], max_megapixels: float) -> list[Frame]:
    with open_video(data, max_megapixels) as video:
        return [
            Frame(video.upright(found), timeline.number(found.pts), timeline.seconds(found.pts), video.codec)
            for found in _frames_at(video, timeline.keys, times)
        ]


def _frames_at(video: Video, keys: list[int], wanted: list[int]) -> Iterator[Any]:
    """The frames at the ascending times WANTED, jumping ahead where a key frame lies between two of them."""
    # Without key frames the container's times are not to be relied on.
    needed = set(wanted) if keys else ()
    passed, coming, frame = min(1, len(keys)), video.frames(needed), None
    for time in wanted:
        key = bisect_right(keys, time)
        if key > passed:
            video.seek(time)
            coming, frame = video.frames(needed), None
        passed = key
        while frame is None or frame.pts < time:
            frame = next(coming, None)
            if frame is None:
                break
        if frame is not None and frame.pts == time:
            yield frame


def _timeline(data: bytes, max_megapixels: float) -> Timeline | None:
    return _packet_times(data, max_megapixels) or _frame_times(data, max_megapixels)


def _packet_times(data: bytes, max_megapixels: float) -> Timeline | None:
    """The timeline as the container tells it, without decoding."""
    with open_video(data, max_megapixels) as video:
        shown = [
            (packet.pts, packet.duration or 0, packet.is_keyframe)
            for packet in video.packets()
            if packet.pts is not None and not packet.is_discard
        ]
        return Timeline.of(shown, video.time_base)


def _frame_times(data: bytes, max_megapixels: float) -> Timeline | None:
    """The timeline of the frames that decode, without key frames."""
    with open_video(data, max_megapixels) as video:
        return Timeline.of(((frame.pts, frame.duration or 0, False) for frame in video.frames()), video.time_base)
