"""How a clip's frames are to be turned and mirrored: the display matrix of a container, or its angle."""

import struct

from PIL import Image

# By the signs of the display matrix's a, b, c, d, where x' = a x + c y and y' = b x + d y.
_TRANSPOSES: dict[tuple[int, ...], Image.Transpose] = {
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
}
_QUARTERS = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)


def turn_by_matrix(matrix: bytes) -> Image.Transpose | None:
    """What makes a frame upright by a display matrix (9 int32 as FFmpeg has them), None where it is; to quarters."""
    a, b, _, c, d = struct.unpack_from("=5i", matrix)
    upright = abs(a) + abs(d) >= abs(b) + abs(c)
    signs = tuple((part > 0) - (part < 0) for part in ((a, 0, 0, d) if upright else (0, b, c, 0)))
    return _TRANSPOSES.get(signs)


def turn_by_angle(degrees: float) -> Image.Transpose | None:
    """What makes a frame upright that is to be turned anticlockwise, None where it is; to quarters."""
    return _QUARTERS[round(degrees / 90) % 4]
