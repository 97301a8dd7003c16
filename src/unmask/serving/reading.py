"""From an uploaded picture to what the network sees of it."""

from dataclasses import dataclass

from PIL import Image

from unmask.data.clips import looks_like_clip
from unmask.data.decode import decode_picture
from unmask.data.faces import Face
from unmask.data.jpeg import UNKNOWN_QUALITY
from unmask.data.opening import open_picture
from unmask.data.preprocess import Pixels
from unmask.errors import DataError
from unmask.service_settings import ServingLimits
from unmask.serving.faces import FaceFinder, cut_face, face_margin
from unmask.serving.runtime import Runtime


@dataclass(frozen=True)
class View:
    """A part of a picture that is judged: the network's crop uint8 (size, size, 3), and the reduced part around it."""

    crop: Pixels
    reduced: Image.Image
    face: Face | None = None


@dataclass(frozen=True)
class Read:
    """A picture that was read: its size in px, what its file says, its views, and how many faces are too small for one.

    PICTURE is upright and whole, kept only where it was asked for: 64 of 50 megapixels would fill any memory.
    """

    views: list[View]
    size: tuple[int, int]
    jpeg_quality: int = UNKNOWN_QUALITY
    encoded_bytes: int = 0
    small_faces: int = 0
    picture: Image.Image | None = None


class Reader:
    """Reads pictures in any thread; without a finder of faces a picture is one view."""

    def __init__(self, limits: ServingLimits, finder: FaceFinder | None) -> None:
        self._limits, self._finder = limits, finder

    def pixels(self, data: bytes) -> int:
        """Size of an encoded picture, from its header.

        Raises:
            DataError: it is too large, or not a picture.
        """
        if looks_like_clip(data[:64]):
            raise DataError("a clip, not a picture; send it to /predict_clip")
        opened = open_picture(
            data, max_megapixels=self._limits.picture_megapixels, max_megabytes=self._limits.picture_megabytes
        )
        return opened.width * opened.height

    def decode(self, runtime: Runtime, data: bytes, *, keep: bool = False) -> Read:
        """Decode a picture and cut out its views; KEEP its pixels, too.

        Raises:
            ResourceError: memory ran out.
            DataError: it can't be judged; the message is a reason for its sender.
        """
        picture = decode_picture(
            data, max_megapixels=self._limits.picture_megapixels, max_megabytes=self._limits.picture_megabytes
        )
        return self.look(runtime, picture.image, keep=keep, jpeg_quality=picture.jpeg_quality, encoded_bytes=len(data))

    def look(
        self,
        runtime: Runtime,
        picture: Image.Image,
        *,
        keep: bool = False,
        jpeg_quality: int = UNKNOWN_QUALITY,
        encoded_bytes: int = 0,
    ) -> Read:
        """Cut out the views of an upright RGB picture.

        Raises:
            DataError: it, or each of its faces, is smaller than any that training saw.
        """
        views, small = self._views(runtime, picture)
        return Read(
            views=views,
            size=picture.size,
            jpeg_quality=jpeg_quality,
            encoded_bytes=encoded_bytes,
            small_faces=small,
            picture=picture if keep else None,
        )

    def _views(self, runtime: Runtime, picture: Image.Image) -> tuple[list[View], int]:
        if self._finder is None:
            reduced = runtime.reduce(picture)
            return [View(runtime.crop(reduced), reduced)], 0
        margin, smallest = face_margin(runtime.bundle), runtime.bundle.preprocessing.min_side_px
        cuts = [(face, cut_face(picture, face, margin=margin)) for face in self._finder.find(picture)]
        large = [(face, runtime.reduce(cut)) for face, cut in cuts if min(cut.size) >= smallest]
        if cuts and not large:
            raise DataError(f"each face found is under {smallest} px with its margin")
        views = [View(runtime.crop(reduced), reduced, face) for face, reduced in large]
        return views, len(cuts) - len(large)
