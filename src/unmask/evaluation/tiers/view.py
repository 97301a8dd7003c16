"""A picture with the place in it that the detector is shown, which moves along when the picture is degraded."""

from dataclasses import dataclass
from typing import Self

from PIL import Image

from unmask.data.boxes import Box
from unmask.data.preprocess import shrink_to


@dataclass(frozen=True)
class View:
    """An upright RGB picture and the box of its face, x0, y0, x1, y1 in px; None where all of it is shown."""

    image: Image.Image
    box: Box | None = None

    def resized(self, image: Image.Image) -> Self:
        """The same view of a copy of the whole picture in another size or quality."""
        if self.box is None:
            return type(self)(image)
        across, down = image.width / self.image.width, image.height / self.image.height
        x0, y0, x1, y1 = self.box
        return type(self)(image, (x0 * across, y0 * down, x1 * across, y1 * down))

    def cut(self, window: tuple[int, int, int, int]) -> Self:
        """What a WINDOW of the picture, in px, shows of the view."""
        left, top, right, bottom = window
        image = self.image.crop(window)
        if self.box is None:
            return type(self)(image)
        x0, y0, x1, y1 = self.box
        return type(self)(
            image, (max(x0, left) - left, max(y0, top) - top, min(x1, right) - left, min(y1, bottom) - top)
        )

    def crop(self, max_side_px: int) -> tuple[Image.Image, int]:
        """The crop as `assemble` makes it, its longer side at most MAX_SIDE_PX, and its shorter side before that."""
        taken = self.image if self.box is None else self.image.crop(self._whole_pixels(self.box))
        return shrink_to(taken, max_side_px), min(taken.size)

    def _whole_pixels(self, box: Box) -> tuple[int, int, int, int]:
        width, height = self.image.size
        left, top = min(max(0, round(box[0])), width - 1), min(max(0, round(box[1])), height - 1)
        return left, top, min(max(left + 1, round(box[2])), width), min(max(top + 1, round(box[3])), height)
