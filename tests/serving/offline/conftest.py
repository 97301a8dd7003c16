from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

SIDE = 48


@pytest.fixture(scope="session")
def write_clip() -> Callable[[str, Sequence[int]], str]:
    """A function that writes a clip of plain grey frames, ten a second, and gives its name back."""

    def write(path: str, levels: Sequence[int]) -> str:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with av.open(path, "w") as container:
            stream = container.add_stream("mpeg4", rate=10)
            stream.width = stream.height = SIDE
            stream.pix_fmt = "yuv420p"
            for level in levels:
                frame = av.VideoFrame.from_ndarray(np.full((SIDE, SIDE, 3), level, np.uint8), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write
